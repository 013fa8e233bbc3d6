namespace Milena.Protocol.Messages;

/// <summary>A record of one of Kafka's internal logs: a key or a value with a type of its own.</summary>
public interface IRecord : IMessage
{
    /// <summary>The number of its schema within the family.</summary>
    short Type { get; }

    /// <summary>The versions of its schema.</summary>
    VersionRange Versions { get; }
}

/// <summary>A record of the cluster metadata log and its snapshots.</summary>
public interface IMetadataRecord : IRecord;

/// <summary>A record of the remote log metadata topic.</summary>
public interface IRemoteLogRecord : IRecord;

/// <summary>The value of a record in a control batch.</summary>
public interface IControlRecord : IRecord;

/// <summary>The key of a record of the consumer offsets topic.</summary>
public interface IGroupKey : IRecord;

/// <summary>The value that belongs to an <see cref="IGroupKey"/> of the same type.</summary>
public interface IGroupValue : IRecord;

/// <summary>The key of a record of the share group state topic.</summary>
public interface IShareKey : IRecord;

/// <summary>The value that belongs to an <see cref="IShareKey"/> of the same type.</summary>
public interface IShareValue : IRecord;

/// <summary>The key of a record of the transaction state topic.</summary>
public interface ITransactionKey : IRecord;

/// <summary>The value that belongs to an <see cref="ITransactionKey"/> of the same type.</summary>
public interface ITransactionValue : IRecord;
