namespace Milena.Broker;

/// <summary>The node cannot be started as it is told to be, or on what its directories hold; the message is one line for the user.</summary>
public sealed class BrokerStartException(string message, Exception? innerException = null) : Exception(message, innerException);
