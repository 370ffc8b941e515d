import KernelSelection
import StepTiming
import Testing

/// The launch's shape in the time, with parameters near an H200's.
@Suite("Split-KV attention")
struct Triton3DModelTests {
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))

  private func microseconds(
    _ lengths: [Int32], paddedRows: Int = 0, crowding: Double = 1.6, idle: Double = 8
  ) throws -> Double {
    let model = Triton3DModel(
      parameters: [3, 25, 77, 1.1, 1.2, 1.1, 0.05, crowding, idle],
      placement: .inTurn(smCount: 132))
    let batch = AttentionBatch(
      rows: lengths.map { (queryLength: 1, kvLength: $0) }, paddedRows: paddedRows)
    return try #require(model.microseconds(.triton3D16, for: batch, in: Self.context))
  }

  @Test("takes a second wave with the sixth long row, which five an SM leave no room for")
  func waves() throws {
    let times = try (1...7).map { try microseconds([Int32](repeating: 65_536, count: $0)) }
    let fifth = times[4] / times[3]
    let sixth = times[5] / times[4]
    #expect(fifth < 1.1, "\(times)")
    #expect(sixth > 1.3, "\(times)")
  }

  @Test("is slower for a long row among short ones, whose CTAs crowd on some SMs")
  func crowding() throws {
    let alone = try microseconds([40_000])
    let among = try microseconds([40_000, 300, 300, 300])
    #expect(among > 1.15 * alone, "\(among) against \(alone)")
    let spread = try microseconds([40_000, 300, 300, 300], crowding: 1e-6)
    #expect(spread < 1.1 * alone, "\(spread) against \(alone)")
  }

  @Test("does not depend on the order of rows, and pays for idle CTAs of padding")
  func orderAndPadding() throws {
    let rows: [Int32] = [9000, 300, 4000, 120, 700, 2000, 64]
    #expect(try microseconds(rows) == microseconds(rows.reversed()))
    let padded = try microseconds(rows, paddedRows: 64)
    #expect(try padded > microseconds(rows, paddedRows: 64, idle: 1e-6))
    #expect(try padded > microseconds(rows))
  }
}
