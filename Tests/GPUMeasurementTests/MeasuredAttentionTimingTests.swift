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

  private func keep(_ batch: AttentionBatch, _ nanoseconds: Int64) throws {
    let key = MeasurementKey(
      machine: MeasuredMachine(gpu: "NVIDIA Fake 200", smCount: 132, driver: "1"),
      kernelImage: "aaaa", variant: "triton-2d",
      batch: BatchKey(batch, in: context, elementType: "bf16"), state: MeasuredState())
    try MeasurementStore(path: store).append(
      SampleSet(samples: [Nanoseconds(nanoseconds)], date: "2026-11-21T10:25:00Z"), to: key,
      status: .complete)
  }

  @Test("a decode batch between two measured lengths lies on the straight line between them")
  func interpolates() throws {
    try keep(FakeBench.decode([640, 128]), 1000)
    try keep(FakeBench.decode([704, 192]), 1640)
    let timing = try timing()
    for (shift, time) in [(0, 1000), (1, 1010), (32, 1320), (63, 1630)] as [(Int32, Int64)] {
      // The order of rows does not matter.
      let batch = FakeBench.decode([128 + shift, 640 + shift])
      #expect(
        try timing.attentionTime(of: .triton2D, for: batch, in: context) == Nanoseconds(time))
    }
    let exact = try self.timing(exact: true)
    #expect(throws: TimingError.self) {
      try exact.attentionTime(of: .triton2D, for: FakeBench.decode([641, 129]), in: context)
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
