import KernelSelection
import MachineProfiles
import StepTiming
import TestSupport
import Testing

@Suite("Kernel models fitted to measured calls")
struct KernelFitTests {
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))

  static func measurements(of variant: KernelVariant) throws -> [KernelMeasurement] {
    try KernelLog.measurements(
      text: RepositoryFile.text("traces/h200/kernels.jsonl"), source: "kernels.jsonl",
      context: context
    ).filter { $0.variant == variant }
  }

  @Test(
    "time rows that they were not fitted to within a few percent",
    arguments: [
      (KernelVariant.triton2D, 0.03, 0.08), (.triton3D16, 0.04, 0.08),
      (.flashAttention3, 0.05, 0.13), (.flashInfer, 0.05, 0.10),
    ])
  func heldOutErrorIsSmall(variant: KernelVariant, median: Double, p90: Double) throws {
    let fit = try #require(try KernelFit.fit(Self.measurements(of: variant)))
    #expect(fit.heldOut.median < median, "held out: \(fit.heldOut)")
    #expect(fit.heldOut.p90 < p90, "held out: \(fit.heldOut), fitted: \(fit.fitted)")
  }

  @Test(
    "are the same from where a fit to some of the rows ended", arguments: [KernelVariant.triton2D])
  func fromEarlier(variant: KernelVariant) throws {
    let rows = try Self.measurements(of: variant)
    let first = try #require(KernelFit.fit(rows, crossValidates: false))
    let some = try #require(KernelFit.fit(Array(rows.dropLast(rows.count / 5))))
    let later = try #require(KernelFit.fit(rows, crossValidates: false, from: some))
    #expect(some.parameters != first.parameters)
    #expect((later.fitted.median / first.fitted.median - 1).magnitude < 2e-3)
    #expect((later.fitted.p90 / first.fitted.p90 - 1).magnitude < 2e-3)
  }

  @Test("take in an engine what they took more between the matrix products of a step")
  func inPlace() throws {
    let lines = try RepositoryFile.text("traces/h200/in-place.jsonl")
    let placed = try KernelLog.measurements(
      text: lines, source: "in-place.jsonl", context: Self.context)
    #expect(placed.allSatisfy { ($0.inPlace ?? 0) > 0 && $0.batch.summary.isSingleTokenOnly })
    func extra(_ variant: KernelVariant) throws -> EngineExtra {
      try #require(
        KernelFit.fit(
          try Self.measurements(of: variant) + placed.filter { $0.variant == variant },
          crossValidates: false)
      ).engineExtra
    }
    let library = try extra(.flashAttention3)
    for rows in [1, 8, 24] {
      #expect((2.5...4.5).contains(library.microseconds(rows: rows)), "\(library)")
    }
    // Without such calls none is known.
    #expect(
      try KernelFit.fit(Self.measurements(of: .triton2D), crossValidates: false)?.engineExtra
        == EngineExtra.none)
  }

  @Test(
    "take no line whose launch has fewer rows than its batch, or a time in place that is none",
    arguments: [
      #""padded_rows":1,"microseconds":{}"#, #""padded_rows":"4","microseconds":{}"#,
      #""microseconds":{"triton-2d":9},"in_place_microseconds":{"triton-2d":-1}"#,
    ])
  func wrongLines(members: String) {
    let line = #"{"op":"paged-attention","query_lens":[1,1],"kv_lens":[9,9],"# + members + "}"
    #expect(throws: MachineProfileError.self) {
      try KernelLog.measurements(text: line, source: "log", context: Self.context)
    }
  }
}
