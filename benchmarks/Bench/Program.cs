using System.Globalization;
using System.Runtime.InteropServices;
using Milena.Bench.Measuring;
using Milena.Bench.Processes;
using Milena.Bench.Scenarios;
using Milena.Bench.Workers;

switch (args)
{
    case ["floor", var path] when path.Contains('/'):
        FloorBroker.Run(path);
        return 0;
    case ["worker", "produce", var dialect, var port, var topic, var batch, var record, var inFlight, var acks, var bytes]:
        ProduceWorker.Run(dialect, Int(port), topic, Int(batch), Int(record), Int(inFlight), (short)Int(acks), Long(bytes));
        return 0;
    case ["worker", "keyed", var port, var topic, var keys, var bytes]:
        KeyedWorker.Run(Int(port), topic, Int(keys), Long(bytes));
        return 0;
    case ["worker", "fetch", var dialect, var port, var topic, var maxBytes, var records]:
        FetchWorker.Run(dialect, Int(port), topic, Int(maxBytes), Long(records));
        return 0;
    case ["worker", "latency", var dialect, var port, var topic, var record, var seconds]:
        LatencyWorker.Run(dialect, Int(port), topic, Int(record), Double(seconds));
        return 0;
    case ["worker", "commit", var port, var topic, var batch, var connections, var inFlight, var seconds]:
        CommitWorker.Run(Int(port), topic, Int(batch), Int(connections), Int(inFlight), Double(seconds));
        return 0;
    case ["worker", "members", var kind, var port, var topic, var groups, var members, var interval, var seconds]:
        MembersWorker.Run(kind, Int(port), topic, Int(groups), Int(members), Int(interval), Double(seconds));
        return 0;
    case ["worker", "offsets", var port, var topic, var groups, var perSecond, var seconds]:
        OffsetsWorker.Run(Int(port), topic, Int(groups), Int(perSecond), Double(seconds));
        return 0;
    case ["worker", "spread", var port, var topic, var partitions, var batch, var bytes]:
        SpreadWorker.Run(Int(port), topic, Int(partitions), Int(batch), Long(bytes));
        return 0;
    case ["worker", "producer", var kind, var port, var topic, var batch, var bytes]:
        ProducerKindWorker.Run(kind, Int(port), topic, Int(batch), Long(bytes));
        return 0;
    case ["worker", "transactions", var port, var topic, var records, var producers, var seconds]:
        TransactionWorker.Run(Int(port), topic, Int(records), Int(producers), Double(seconds));
        return 0;
}

var quick = args.Contains("--quick");
var overrides = args.Where(argument => argument.Contains('=')).ToList();
var names = args.Where(argument => !argument.StartsWith('-')).Except(overrides).ToList();
var unknown = names.Except(Scenario.All.Select(scenario => scenario.Name)).ToList();
if (unknown.Count > 0 || args.Any(argument => argument.StartsWith('-') && argument != "--quick"))
{
    Console.Error.WriteLine("usage: ./bench [scenario...] [--quick] [name=value...]\n");
    foreach (var scenario in Scenario.All)
        Console.Error.WriteLine($"  {scenario.Name,-13} {scenario.About}");
    return 2;
}

var root = Path.Combine(Directory.GetCurrentDirectory(), "artifacts", "bench");
Directory.CreateDirectory(root);
using var alone = OpenLock(Path.Combine(root, "lock"));
if (alone is null)
{
    Console.Error.WriteLine("bench: another run is under way, and the two would measure each other");
    return 1;
}

var report = new Report();
var program = Environment.GetEnvironmentVariable("MILENA_EXECUTABLE") ?? Path.Combine("artifacts", "milena");
var context = new BenchContext(Path.GetFullPath(program), Path.Combine(root, "data"), quick, overrides, report);
var remarks = (quick ? ", quick " : " ") + string.Join(' ', overrides);
report.Line($"# {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {Environment.ProcessorCount} cores, {program}{remarks}");
report.Line("");
report.Line("Median (least to most) of ratios between neighbours in time. Absolute figures are for orientation only.");
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Child.DisposeAll());
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Child.DisposeAll());
try
{
    foreach (var scenario in Scenario.All.Where(scenario => names.Count == 0 || names.Contains(scenario.Name)))
    {
        report.Title($"{scenario.Name}: {scenario.About}");
        scenario.Run(context);
        report.Save(Path.Combine(root, "report.md"));
    }
}
catch (Exception e)
{
    Console.Error.WriteLine(e);
    return 1;
}
finally
{
    Child.DisposeAll();
}

Directory.Delete(context.Root, recursive: true);
return 0;

static int Int(string text) => int.Parse(text, CultureInfo.InvariantCulture);
static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);
static double Double(string text) => double.Parse(text, CultureInfo.InvariantCulture);

static FileStream? OpenLock(string path)
{
    try
    {
        return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
    }
    catch (IOException)
    {
        return null;
    }
}
