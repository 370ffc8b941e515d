internal import Glibc
public import KernelSelection

/// What a batch is like, as far as kernels differ in it.
public enum SampleKind: String, Hashable, Sendable, CaseIterable {
  /// Single-token rows of similar length.
  case decode
  /// Single-token rows of which a few are far longer than the rest.
  case skewed
  /// Few single-token rows of more than 16,384 tokens each.
  case long
  /// Single-token rows beside parts of prompts.
  case mixed
  /// Prompts alone.
  case prompts

  /// The kind of a batch of at least one row.
  public init(_ batch: AttentionBatch) {
    let summary = batch.summary
    if summary.multiTokenRows == summary.rows {
      self = .prompts
    } else if summary.multiTokenRows > 0 {
      self = .mixed
    } else if summary.skew >= 2 {
      self = .skewed
    } else {
      self = summary.meanKVLength > 16_384 ? .long : .decode
    }
  }
}

/// Random batches of every kind, the same for the same seed: what a profile is fitted to, or held to.
public enum SamplePlan {
  /// `count` batches, kinds in turn, decode steps padded as a context's graphs pad them.
  public static func batches(
    seed: UInt64, count: Int, in context: AttentionContext
  ) -> [AttentionBatch] {
    var generator = SeededGenerator(seed: seed)
    let kinds =
      context.isLatent ? [SampleKind.decode, .skewed, .long] : SampleKind.allCases
    return (0..<count).map { index in
      var batch = AttentionBatch(rows: rows(kinds[index % kinds.count], &generator))
      context.pad(&batch)
      return batch
    }
  }

  private static func rows(
    _ kind: SampleKind, _ generator: inout SeededGenerator
  ) -> [(queryLength: Int32, kvLength: Int32)] {
    func decode(_ count: Int, around mean: Int) -> [(queryLength: Int32, kvLength: Int32)] {
      (0..<count).map { _ in (1, Int32(draw(max(1, mean * 7 / 10), mean * 13 / 10, &generator))) }
    }
    switch kind {
    case .decode:
      return decode(draw(1, 256, &generator), around: draw(100, 4000, &generator))
    case .skewed:
      let long = (0..<draw(1, 4, &generator)).map { _ in
        (queryLength: Int32(1), kvLength: Int32(draw(8000, 64_000, &generator)))
      }
      let short = decode(draw(4, 128, &generator), around: draw(64, 1000, &generator))
      return (long + short).shuffled(using: &generator)
    case .long:
      return decode(draw(1, 16, &generator), around: draw(24_000, 96_000, &generator))
    case .mixed:
      let parts = (0..<draw(1, 2, &generator)).map { _ in
        let query = draw(64, 4000, &generator)
        return (
          queryLength: Int32(query), kvLength: Int32(query + draw(1, 8000, &generator) - 1)
        )
      }
      return decode(draw(1, 96, &generator), around: draw(100, 4000, &generator)) + parts
    case .prompts:
      return (0..<draw(1, 4, &generator)).map { _ in
        let length = Int32(draw(100, 4000, &generator))
        return (length, length)
      }
    }
  }

  /// A number between two, small ones as often as large ones in proportion.
  private static func draw(
    _ low: Int, _ high: Int, _ generator: inout SeededGenerator
  ) -> Int {
    let share = Double(generator.next() >> 11) / Double(1 << 53 as UInt64)
    let value = Double(low) * exp(share * log(Double(high + 1) / Double(low)))
    return min(high, max(low, Int(value)))
  }
}
