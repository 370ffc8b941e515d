internal import TraceModel

/// Gaps, as the content of one chunk.
///
/// Column 1: the step before the gap, as a signed difference from
/// that of the gap before (from -1 for the first). Column 2: dropped steps.
enum GapCoding {
  private static let afterStep: UInt64 = 1
  private static let droppedSteps: UInt64 = 2

  static func content(of gaps: [TraceGap]) -> ChunkContent {
    var content = ChunkContent()
    var last: Int64 = -1
    content.add(
      column: afterStep,
      signed: gaps.map { gap in
        defer { last = gap.afterStep }
        return gap.afterStep - last
      })
    content.add(column: droppedSteps, gaps.map { UInt64($0.droppedSteps) })
    return content
  }

  static func append(
    _ bytes: [UInt8], count: Int, to gaps: inout [TraceGap]
  ) throws(Corruption) {
    let content = try ChunkContentReader(bytes, itemCount: count)
    var last: Int64 = -1
    let steps = try content.signed(afterStep)
    let dropped = try content.unsigned(droppedSteps)
    for index in 0..<count {
      last &+= steps[index]
      guard last.magnitude <= UInt64(TraceFileLimits.stepNumberMax),
        dropped[index] <= UInt64(TraceFileLimits.stepNumberMax)
      else { throw Corruption("a gap is out of range") }
      gaps.append(TraceGap(afterStep: last, droppedSteps: Int64(dropped[index])))
    }
  }
}
