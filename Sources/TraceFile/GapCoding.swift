internal import TraceModel

/// A chunk of gaps: for each the step before as a difference, and the count of dropped steps.
enum GapCoding {
  static func content(of gaps: [TraceGap]) -> [UInt8] {
    var writer = ByteWriter()
    var last: Int64 = 0
    for gap in gaps {
      writer.signed(gap.afterStep &- last)
      writer.signed(gap.droppedSteps)
      last = gap.afterStep
    }
    return writer.bytes
  }

  static func append(
    content: [UInt8], count: Int, to gaps: inout [TraceGap]
  ) throws(Corruption) {
    var reader = ByteReader(content)
    var last: Int64 = 0
    for _ in 0..<count {
      last = last &+ (try reader.signed())
      gaps.append(TraceGap(afterStep: last, droppedSteps: try reader.signed()))
    }
    guard reader.isAtEnd else { throw Corruption("bytes behind the gaps") }
  }
}
