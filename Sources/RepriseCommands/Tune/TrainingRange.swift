import KernelSelection
import StepTiming

/// What batches a rule was tuned on: outside of them it only guesses.
struct TrainingRange {
  private var rows: ClosedRange<Int>?
  private var kvLengths: ClosedRange<Int>?

  /// The range of single-token batches.
  init(_ tables: [BatchTable]) {
    for summary in tables.flatMap(\.summaries) where summary.isSingleTokenOnly {
      rows = Self.extended(rows, summary.paddedRows)
      kvLengths = Self.extended(kvLengths, summary.maxKVLength)
    }
  }

  private static func extended(_ range: ClosedRange<Int>?, _ value: Int) -> ClosedRange<Int> {
    guard let range else { return value...value }
    return min(range.lowerBound, value)...max(range.upperBound, value)
  }

  /// A warning where more than one batch in a hundred lies outside.
  func notes(on tables: [BatchTable]) -> [String] {
    guard let rows, let kvLengths else {
      return ["no batch of single-token rows to tune on: the rule's part for these is a guess"]
    }
    var count = 0
    var outside = 0
    for summary in tables.flatMap(\.summaries) where summary.isSingleTokenOnly {
      count += 1
      let isInside =
        rows.contains(summary.paddedRows) && kvLengths.contains(summary.maxKVLength)
      outside += isInside ? 0 : 1
    }
    guard outside * 100 > count else { return [] }
    return [
      "\(outside * 100 / count) % of the decode batches judged lie outside those tuned on "
        + "(\(rows.lowerBound) to \(rows.upperBound) rows, longest row \(kvLengths.lowerBound) to "
        + "\(kvLengths.upperBound) tokens): add traffic like them"
    ]
  }
}
