namespace Milena.Protocol.Records;

/// <summary>Why a run of batches ended.</summary>
public enum BatchRunEnd
{
    /// <summary>It did not: there is a batch.</summary>
    None,

    /// <summary>The bytes ended with the last batch.</summary>
    Complete,

    /// <summary>The bytes ended within a batch: more may follow, or the write of it was torn.</summary>
    Partial,

    /// <summary>What follows cannot be a batch: an impossible length or magic (zeros of a preallocated file, for one).</summary>
    Corrupt,
}

/// <summary>Several batches one after the other: a piece of a segment, or the records of a fetch response.</summary>
public static class RecordBatches
{
    /// <summary>
    /// The whole batches of the bytes, in turn. Lengths are checked against the bytes, CRCs and contents are not. A partial batch at
    /// the end is normal (a fetch cuts where it will) and is not shown; <see cref="Enumerator.End"/> tells how the run ended.
    /// </summary>
    public static Enumerator Enumerate(ReadOnlySpan<byte> bytes) => new(bytes);

    /// <summary>Goes through the batches; see <see cref="Enumerate"/>.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> bytes;

        internal Enumerator(ReadOnlySpan<byte> bytes) => this.bytes = bytes;

        /// <summary>The batch at <see cref="Position"/>.</summary>
        public RecordBatchView Current { readonly get; private set; }

        /// <summary>Where <see cref="Current"/> begins.</summary>
        public int Position { readonly get; private set; }

        /// <summary>Where the next batch begins: so many bytes are whole batches that have been passed.</summary>
        public int Consumed { readonly get; private set; }

        /// <summary>Why there are no more; <see cref="BatchRunEnd.None"/> until <see cref="MoveNext"/> returns false.</summary>
        public BatchRunEnd End { readonly get; private set; }

        /// <summary>
        /// The size that the batch at <see cref="Consumed"/> says it has, if the run ended <see cref="BatchRunEnd.Partial"/> behind
        /// its length: what to read to get all of it. 0 otherwise.
        /// </summary>
        public int NeededSize { readonly get; private set; }

        /// <summary>Goes to the next whole batch, if there is one.</summary>
        public bool MoveNext()
        {
            if (End != BatchRunEnd.None)
                return false;
            End = RecordBatchView.Probe(bytes[Consumed..], out var size);
            if (End != BatchRunEnd.None)
            {
                NeededSize = size;
                return false;
            }

            Current = new(bytes[Consumed..], size);
            Position = Consumed;
            Consumed += size;
            return true;
        }

        /// <summary>For foreach.</summary>
        public readonly Enumerator GetEnumerator() => this;
    }
}
