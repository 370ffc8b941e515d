import CUDADriver
import CUDADriverFake
import KernelImages
import KernelManifestSample
import KernelSelection
import MeasurementStore
import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import GPUMeasurement

@Suite("Times from measurements")
struct MeasuredAttentionTimingTests {
  private let folder: TemporaryDirectory
  private let store: String
  private let context = FakeBench.context

  init() throws {
    folder = try TemporaryDirectory()
    store = folder.file("store.sqlite")
  }

  private func timing(
    _ fake: FakeBench? = nil, exact: Bool = false
  ) throws -> MeasuredAttentionTiming {
    // The test reads the fake's lines only while nothing is measured.
    nonisolated(unsafe) let bench = try fake?.bench()
    return try MeasuredAttentionTiming(
      measurements: store, bench: unsafe bench, gpu: "NVIDIA Fake 200", context: context,
      options: MeasuredTimingOptions(isExact: exact))
  }

  private func keep(
    _ batch: AttentionBatch, _ nanoseconds: Int64, status: MeasurementStatus = .complete
  ) throws {
    let key = MeasurementKey(
      machine: MeasuredMachine(gpu: "NVIDIA Fake 200", smCount: 132, driver: "1"),
      kernelImage: "aaaa", variant: "triton-2d",
      batch: BatchKey(batch, in: context, elementType: "bf16"), state: MeasuredState())
    try MeasurementStore(path: store).append(
      SampleSet(samples: [Nanoseconds(nanoseconds)], date: "2026-11-21T10:25:00Z"), to: key,
      status: status)
  }

  @Test("a decode batch between two measured lengths lies on the straight line between them")
  func interpolates() throws {
    try keep(FakeBench.decode([640, 128]), 1000)
    try keep(FakeBench.decode([704, 192]), 1640)
    let timing = try timing()
    for (shift, time) in [(0, 1000), (1, 1010), (32, 1320), (63, 1630)] as [(Int32, Int64)] {
      // It was not executed in this order, which the one with the longest row first stands for.
      let batch = FakeBench.decode([128 + shift, 640 + shift])
      #expect(
        try timing.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(time))
    }
    let exact = try self.timing(exact: true)
    #expect(throws: TimingError.self) {
      try exact.attentionTime(of: .triton2D, for: FakeBench.decode([641, 129]), in: context)
    }
  }

  @Test("without a split a decode batch has the time that its order of rows was executed in")
  func keepsOrder() throws {
    try keep(FakeBench.decode([640, 128, 320]), 1000)
    try keep(FakeBench.decode([704, 192, 384]), 1640)
    try keep(FakeBench.decode([320, 640, 128]), 2000)
    try keep(FakeBench.decode([384, 704, 192]), 2640)
    let timing = try timing()
    let orders: [([Int32], Int64)] = [([640, 128, 320], 1320), ([320, 640, 128], 2320)]
    for (lengths, time) in orders {
      let batch = FakeBench.decode(lengths.map { $0 + 32 })
      #expect(
        try timing.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(time))
    }
    #expect(KernelFamily.triton2D.timeFollowsRowOrder && !KernelFamily.triton3D.timeFollowsRowOrder)
    let answers = try #require(timing.activity.answers.first { $0.form == .decode })
    #expect((answers.executed, answers.interpolated, answers.estimated) == (0, 2, 0))
  }

  /// What the kernel of the store takes by a formula, a little more for odd numbers of rows.
  private static func nanoseconds(_ batch: AttentionBatch) -> Int64 {
    let summary = batch.summary
    let own = 20_000 + 40 * summary.maxKVLength + 3 * summary.totalKVLength
    return Int64(summary.rows % 2 == 0 ? own : own * 21 / 20)
  }

  private static func batches(_ counts: ClosedRange<Int>) -> [AttentionBatch] {
    counts.flatMap { rows in
      (1...12).map { step in
        // Longest first, as batches are kept.
        FakeBench.decode((0..<rows).map { row in Int32(step * 320 + (rows - 1 - row) * 64) })
      }
    }
  }

  @Test("without a GPU a batch that was never executed is estimated from others, and counted")
  func estimates() throws {
    for batch in Self.batches(1...8) { try keep(batch, Self.nanoseconds(batch)) }
    let timing = try timing()
    let known = FakeBench.decode([320, 384])
    #expect(
      try timing.attentionTime(of: .triton2D, for: known, in: context)
        == Nanoseconds(Self.nanoseconds(known)))
    #expect(timing.activity.estimates.isEmpty)
    let fresh = FakeBench.decode([1500, 1400, 1300, 1200, 1100])
    let estimate = try timing.attentionTime(of: .triton2D, for: fresh, in: context)
    let truth = Double(Self.nanoseconds(fresh))
    #expect((Double(estimate.rawValue) / truth - 1).magnitude < 0.05)
    let answers = try #require(timing.activity.answers.first { $0.form == .decode })
    #expect((answers.executed, answers.interpolated, answers.estimated) == (1, 0, 1))
    let error = try #require(timing.activity.estimates.first)
    #expect(error.variant == .triton2D && error.form == .decode && error.error.rows >= 12)
    // The same from the same store, and none where every length is to be measured.
    let again = try self.timing()
    #expect(try again.attentionTime(of: .triton2D, for: fresh, in: context) == estimate)
    #expect(again.activity.estimates == timing.activity.estimates)
    let exact = try self.timing(exact: true)
    #expect(
      try exact.attentionTime(of: .triton2D, for: FakeBench.decode([384, 320]), in: context)
        == Nanoseconds(Self.nanoseconds(known)))
    #expect(throws: TimingError.self, "in the engine's order it was not executed") {
      try exact.attentionTime(of: .triton2D, for: known, in: context)
    }
    do {
      _ = try exact.attentionTime(of: .triton2D, for: fresh, in: context)
      Issue.record("an exact timing estimates")
    } catch {
      guard case .batchWithoutTiming(_, let words) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(words.contains("--exact"))
    }
  }

  @Test("a batch reached step by step has the time that it has alone")
  func growing() throws {
    for batch in Self.batches(1...8) { try keep(batch, Self.nanoseconds(batch)) }
    // Between anchors that were executed, between others, and one executed between two anchors.
    let starts: [[Int32]] = [
      [321, 257], [257, 321], [390, 326, 77], [577, 641, 513], [900, 901],
    ]
    try keep(FakeBench.decode([320, 256]), 30_000)
    try keep(FakeBench.decode([330, 266]), 1_234_567)
    let stepByStep = try timing()
    for start in starts {
      for grown in 0..<Int32(70) {
        let batch = FakeBench.decode(start.map { $0 + grown })
        let time = try stepByStep.attentionTime(of: .triton2D, for: batch, in: context)
        guard [0, 1, 9, 10, 32, 63, 64].contains(grown) else { continue }
        let alone = try timing()
        #expect(try time == alone.attentionTime(of: .triton2D, for: batch, in: context))
      }
    }
    let answers = try #require(stepByStep.activity.answers.first { $0.form == .decode })
    #expect(answers.executed > 0 && answers.interpolated > 64 && answers.estimated > 64)
  }

  @Test("an executed batch has its time even where its neighbour could not be executed")
  func besideFailure() throws {
    for batch in Self.batches(1...8) { try keep(batch, Self.nanoseconds(batch)) }
    try keep(FakeBench.decode([320, 256]), 1, status: .failed(reason: "no memory"))
    try keep(FakeBench.decode([330, 266]), 1_234_567)
    let timing = try timing()
    let between = FakeBench.decode([330, 266])
    #expect(
      try timing.attentionTime(of: .triton2D, for: between, in: context) == Nanoseconds(1_234_567))
    #expect(throws: TimingError.self) {
      try timing.attentionTime(of: .triton2D, for: FakeBench.decode([331, 267]), in: context)
    }
  }

  @Test("batches with prompts are not estimated from single tokens alone")
  func unlike() throws {
    for batch in Self.batches(1...3) { try keep(batch, Self.nanoseconds(batch)) }
    let timing = try timing()
    #expect(throws: TimingError.self) {
      try timing.attentionTime(
        of: .triton2D, for: AttentionBatch(rows: [(500, 500), (1, 77)]), in: context)
    }
  }

  @Test("a GPU executes what it can, whatever could be estimated")
  func executesRatherThanEstimates() throws {
    let measured = try timing(FakeBench())
    let batch = AttentionBatch(rows: [(500, 500), (1, 77)])
    #expect(
      try measured.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(25_000))
    let answers = try #require(measured.activity.answers.first { $0.form == .prompts })
    #expect((answers.executed, answers.estimated) == (1, 0))
  }

  @Test("a kernel that only packages have is known without its package too")
  func foreignKernel() throws {
    let key = MeasurementKey(
      machine: MeasuredMachine(gpu: "NVIDIA Fake 200", smCount: 132, driver: "1"),
      kernelImage: "vllm 0.24.0", variant: "vllm-0.24.0/flash-attention-3",
      batch: BatchKey(FakeBench.decode([640]), in: context, elementType: "bf16"),
      state: MeasuredState())
    try MeasurementStore(path: store).append(
      SampleSet(samples: [Nanoseconds(900)], date: "2026-11-21T10:25:00Z"), to: key,
      status: .complete)
    for fake in [nil, FakeBench()] {
      let timing = try timing(fake)
      for variant in [KernelVariant.flashAttention3, .flashAttention3.of(package: "vllm-0.24.0")] {
        #expect(
          try timing.attentionTime(of: variant, for: FakeBench.decode([640]), in: context)
            == Nanoseconds(900))
      }
    }
  }

  @Test("without a GPU what was not measured has no time, and the error says how to add it")
  func missing() throws {
    try keep(FakeBench.decode([640]), 1000)
    let timing = try timing()
    #expect(timing.variants == [.triton2D])
    do {
      _ = try timing.attentionTime(
        of: .triton2D, for: FakeBench.decode([640], paddedRows: 2), in: context)
      Issue.record("a batch of other padding has a time")
    } catch {
      guard case .batchWithoutTiming(_, let words) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(words.contains("reprise measure"))
    }
  }

  @Test("64 steps of a growing batch cost two measurements, and the store alone says the same")
  func measuresOnGrid() throws {
    let fake = FakeBench()
    let measured = try timing(fake)
    var times: [Nanoseconds] = []
    for step in 0..<64 {
      let batch = FakeBench.decode([640 + Int32(step), 200 + Int32(step)])
      times.append(try measured.attentionTime(of: .triton3D16, for: batch, in: context))
    }
    #expect(measured.activity.measured == 2)
    let stored = try timing()
    #expect(stored.machine == measured.machine)
    for step in 0..<64 {
      let batch = FakeBench.decode([640 + Int32(step), 200 + Int32(step)])
      #expect(
        try stored.attentionTime(of: .triton3D16, for: batch, in: context) == times[step])
    }
  }

  @Test("batches with prompts are measured once each, and split-KV runs no long ones")
  func prompts() throws {
    let measured = try timing(FakeBench())
    let batch = AttentionBatch(rows: [(500, 500), (1, 77)])
    for _ in 0..<2 {
      #expect(
        try measured.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(25_000))
    }
    #expect(measured.activity.measured == 1)
    #expect(throws: TimingError.self) {
      try measured.attentionTime(of: .triton3D16, for: batch, in: context)
    }
    #expect(measured.activity.measured == 1)
  }

  @Test("some pairs of lengths are measured in the middle too, and the error is that of the line")
  func probes() throws {
    // The first batch of a single row whose pair is among those that are probed.
    let length = try #require(
      (1...2000).map { Int32($0) * 64 }.first { length in
        let low = FakeBench.decode([length])
        let key = BatchKey(low, in: context, elementType: "bf16").text
        return InterpolationProbes.includes("triton-2d \(key)")
      })
    try keep(FakeBench.decode([length]), 1000)
    try keep(FakeBench.decode([length + 64]), 2000)
    try keep(FakeBench.decode([length + 32]), 1250)
    let timing = try timing()
    let batch = FakeBench.decode([length + 16])
    #expect(
      try timing.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(1250))
    // 1500 where 1250 was measured.
    let error = try #require(timing.activity.interpolation)
    #expect(error.rows == 1 && (error.median - 0.2).magnitude < 1e-9)
    // The middle itself is known now.
    let middle = FakeBench.decode([length + 32])
    #expect(
      try timing.attentionTime(of: .triton2D, for: middle, in: context) == Nanoseconds(1250))
  }

  @Test("a GPU measures the middle of such a pair, and its store gives the same error")
  func probesOnGPU() throws {
    let fake = FakeBench()
    let measured = try timing(fake)
    for start in 10..<60 {
      let batch = FakeBench.decode([Int32(start) * 64 + 5])
      _ = try measured.attentionTime(of: .triton2D, for: batch, in: context)
    }
    let error = try #require(measured.activity.interpolation)
    #expect(error.rows >= 1 && error.max == 0)
    #expect(measured.activity.measured == 51 + error.rows)
    let stored = try timing()
    for start in 10..<60 {
      let batch = FakeBench.decode([Int32(start) * 64 + 5])
      _ = try stored.attentionTime(of: .triton2D, for: batch, in: context)
    }
    #expect(stored.activity.interpolation == error)
  }

  @Test("a list of measurements answers as the store that it was exported from")
  func imported() throws {
    try keep(FakeBench.decode([640, 128]), 1000)
    var list: [Measurement] = []
    try MeasurementStore(path: store).forEach {
      (measurement) throws(MeasurementStoreError) in list.append(measurement)
    }
    let timing = try MeasuredAttentionTiming(
      measurements: nil, imported: list, bench: nil, gpu: "NVIDIA Fake 200", context: context)
    let batch = FakeBench.decode([128, 640])
    #expect(
      try timing.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(1000))
  }

  @Test("what cost the GPU's context once is not tried again, and the store stays whole")
  func remembersFailures() throws {
    let fake = FakeBench()
    let batch = FakeBench.decode([640])
    do {
      let measured = try timing(fake)
      fake.driver.fail("cuEventSynchronize", with: .illegalAddress)
      #expect(throws: TimingError.self) {
        try measured.attentionTime(of: .triton2D, for: batch, in: context)
      }
    }
    let again = FakeBench()
    let measured = try timing(again)
    do {
      _ = try measured.attentionTime(of: .triton2D, for: batch, in: context)
      Issue.record("tried again")
    } catch {
      guard case .execution(let line) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(line.contains("failed on a batch of 1 rows"))
      #expect(line.contains("ILLEGAL_ADDRESS"))
    }
    #expect(!again.driver.lines.contains { $0.hasPrefix("cuLaunchKernel") })
    try MeasurementStore(path: store).verify()
  }
}
