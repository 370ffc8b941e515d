import Glibc
import KernelSelection
import MeasurementStore
import TestSupport
import TraceModel

/// Measurements made up for tests, each told from the others by numbers.
enum StoreFixtures {
  static let machine = MeasuredMachine(gpu: "NVIDIA Fake 200", smCount: 132, driver: "580.1")
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))

  static func key(
    _ kvLength: Int32, variant: String = "triton-2d", cache: MeasuredState.Cache = .cold
  ) -> MeasurementKey {
    MeasurementKey(
      machine: machine, kernelImage: "5eed", variant: variant,
      batch: BatchKey(
        AttentionBatch(rows: [(1, kvLength), (1, 77)]), in: context, elementType: "bf16"),
      state: MeasuredState(cache: cache, inGraph: true))
  }

  static func samples(_ nanoseconds: Int64..., second: Int = 0) -> SampleSet {
    let digits = second < 10 ? "0\(second)" : "\(second)"
    return SampleSet(
      samples: nanoseconds.map { Nanoseconds($0) }, smMegahertz: 1980, memoryMegahertz: 3201,
      throttleReasons: 0, date: "2026-11-21T10:25:\(digits)Z")
  }

  static func export(_ store: borrowing MeasurementStore) throws -> String {
    var text = ""
    try store.exportJSONLines { line in text += line + "\n" }
    return text
  }

  static func export(path: String) throws -> String {
    try export(MeasurementStore(path: path, mode: .readOnly))
  }

  /// Appends `count` measurements from `first` on, one transaction each.
  static func write(_ path: String, first: Int32, count: Int32) throws(MeasurementStoreError) {
    let store = try MeasurementStore(path: path)
    for number in first..<first + count {
      try store.append(samples(Int64(number)), to: key(number), status: .complete)
    }
  }
}
