namespace Milena.Interop.Harness;

/// <summary>What <c>./test</c> installs from apt and npm.</summary>
internal static class Packages
{
    /// <summary>
    /// Skips the test where the package of this file is missing, for one who runs the tests by hand; <c>./test</c>, which
    /// has just installed it, fails instead.
    /// </summary>
    public static void MustBeThere(string path)
    {
        if (File.Exists(path))
            return;
        var message = $"{path} is missing: ./test installs it";
        if (Environment.GetEnvironmentVariable("MILENA_TEST_INSTALLED") == "1")
            Assert.Fail(message);
        Assert.Skip(message);
    }
}
