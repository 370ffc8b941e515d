import KernelSelection
import MachineProfiles
import Testing
import TraceModel

@testable import StepTiming

@Suite("The 2D kernel's model")
struct Triton2DModelTests {
  private let context = Self.context(kvHeads: 1, smCount: 4)

  private static func context(kvHeads: Int, smCount: Int) -> AttentionContext {
    AttentionContext(
      queryHeads: 4 * kvHeads, kvHeads: kvHeads, headSize: 128, kvBlockSize: 16, smCount: smCount,
      graphs: CUDAGraphs(mode: .none, captureSizes: []))
  }

  /// 10 ns a token alone, 2 and 4 times that beside one and three others, and no other limit.
  private func model(_ placement: CTAPlacement) -> Triton2DModel {
    Triton2DModel(
      parameters: [1e-9, 1e-9, 10, 2, 2, 2, 1e6, 8, 1e-9, 1, 1], placement: placement)
  }

  private func microseconds(_ lengths: [Int32], _ placement: CTAPlacement) throws -> Double {
    let batch = AttentionBatch(rows: lengths.map { (1, $0) })
    return try #require(model(placement).microseconds(.triton2D, for: batch, in: context))
  }

  /// Microseconds by the built-in profile of the H200, with its 8 KV heads.
  private func onH200(
    _ rows: Int, padded: Int = 0, lengths: (_ row: Int) -> Int32
  ) throws -> Double {
    let profile = try #require(try BuiltinProfiles.profile(gpu: "NVIDIA H200"))
    return try ProfileAttentionTiming(profile.kernels).attentionTime(
      of: .triton2D,
      for: AttentionBatch(rows: (0..<rows).map { (1, lengths($0)) }, paddedRows: padded),
      in: Self.context(kvHeads: 8, smCount: 132)
    ).microseconds
  }

  private func isNear(_ one: Double, _ other: Double) -> Bool { abs(one / other - 1) < 1e-4 }

  @Test("as many CTAs as SMs, or fewer, do not meet")
  func alone() throws {
    // A block for each row, and one more for four tokens.
    #expect(isNear(try microseconds([500, 1000, 700], .inTurn(smCount: 4)), 10))
  }

  @Test("a CTA is slow while another is on its SM, and no longer")
  func shared() throws {
    // Blocks 0 to 3 are rows 0 to 3, block 4 is surplus, block 5 is row 4, which is on row 1's SM.
    let lengths: [Int32] = [900, 1000, 900, 900, 600]
    #expect(isNear(try microseconds(lengths, .inTurn(smCount: 4)), 10 + 6))
    // As if row 4 went beside row 3: row 1 has its SM for itself.
    let apart = CTAPlacement(smCount: 4, launches: [[0, 1, 2, 3, 0, 3]])
    #expect(isNear(try microseconds(lengths, apart), 9 + 6))
    // Three on one: for 600 tokens at 30 ns, then for 300 at 20.
    let crowded = CTAPlacement(smCount: 4, launches: [[0, 1, 1, 3, 0, 1]])
    #expect(isNear(try microseconds(lengths, crowded), 18 + 6 + 1))
  }

  @Test("few CTAs of several rows are slower, a single row's are not; all share the memory")
  func fewAndMany() throws {
    func time(_ rows: Int, few: Double, bandwidth: Double) throws -> Double {
      let model = Triton2DModel(
        parameters: [1e-9, 1e-9, 10, 1, 1, 1, bandwidth, 8, few, 1, 1],
        placement: .inTurn(smCount: 64))
      let wide = Self.context(kvHeads: 1, smCount: 64)
      let batch = AttentionBatch(rows: (0..<rows).map { _ in (1, 1000) })
      return try #require(model.microseconds(.triton2D, for: batch, in: wide))
    }
    #expect(isNear(try time(1, few: 0.5, bandwidth: 1e6), 10))
    #expect(isNear(try time(8, few: 0.5, bandwidth: 1e6), 15))
    #expect(isNear(try time(16, few: 0.5, bandwidth: 1e6), 12.5))
    #expect(isNear(try time(24, few: 0.5, bandwidth: 1e6), 10))
    // 32 CTAs of 512 bytes a token at 256 bytes a nanosecond: 64 ns a token, as an SM's 10 are less.
    #expect(isNear(try time(32, few: 0.5, bandwidth: 256), 64))
  }

  @Test("where measured launches end, a row more changes little")
  func edge() throws {
    func mean(_ rows: Int) throws -> Double {
      // Over places of the long rows, which decide which of them meet.
      let times = try (0..<40).map { start in
        try onH200(rows) { ($0 * 7 + start) % 40 == 0 ? 8000 : 300 }
      }
      return times.reduce(0, +) / Double(times.count)
    }
    let ratio = try mean(65) / mean(64)
    #expect((0.9...1.1).contains(ratio), "\(ratio)")
  }

  @Test("a launch that was not measured is dealt as the next larger one, and beyond all evenly")
  func unmeasured() throws {
    let lengths = [Int32](repeating: 1000, count: 4)
    let larger = CTAPlacement(smCount: 4, launches: [[0, 1, 2, 2, 2, 3, 0]])
    #expect(isNear(try microseconds(lengths, larger), 20))
    // Five blocks on four SMs: a pace between one and two on each.
    let none = CTAPlacement(smCount: 4, launches: [])
    #expect(isNear(try microseconds(lengths, none), 12.5))
  }

  /// From three machines' `long-8` under 2D: 46.3 against 44.3 ns a token of the longest row.
  @Test("an H200 is slower where two long rows share an SM, as its engines were")
  func engines() throws {
    let long: [Int: Int32] = [2: 29_000, 6: 25_000]
    let meeting = try onH200(9, padded: 16) { long[$0] ?? 1200 }
    let apart = try onH200(10, padded: 16) { $0 == 7 ? 25_000 : $0 == 2 ? 29_000 : 1200 }
    #expect((1.03...1.07).contains(meeting / apart))
  }
}
