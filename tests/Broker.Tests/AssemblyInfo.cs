using Milena.Broker.Tests;

// One broker serves all tests that neither move the clock nor change the cluster for others.
[assembly: AssemblyFixture(typeof(SharedBroker))]
