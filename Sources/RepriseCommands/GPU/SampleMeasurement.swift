import EngineSimulation
import GPUMeasurement
import KernelSelection
import MeasurementStore
import StepTiming
import TraceModel

/// Batches that come from no trace: measured for an engine's heads and cache, under policies' variants.
struct SampleMeasurement {
  private let engine: EngineModel
  private let policies: [any SelectionPolicy]
  private let gpu: GPUOptions
  private let cache: MeasuredState.Cache

  init(
    engine: String?, policies: [any SelectionPolicy], gpu: GPUOptions, cache: MeasuredState.Cache
  ) throws {
    self.engine = try ReplaySource.engine(named: engine ?? ReplaySource.defaultEngine)
    self.policies = policies
    self.gpu = gpu
    self.cache = cache
  }

  /// Measures a random plan, every batch as it is.
  func measure(seed: UInt64, count: Int, on console: Console) throws {
    let timing = try timing(on: console)
    defer { GPUOptions.tell(timing, on: console) }
    let plan = SamplePlan.batches(seed: seed, count: count, in: engine.attentionContext)
    let bar = ProgressBar("measure", on: console)
    defer { bar.finish() }
    for (index, batch) in plan.enumerated() {
      for variant in variants { _ = try time(of: variant, batch, timing) }
      bar.update(Double(index + 1) / Double(plan.count))
    }
    try console.print(
      "sample plan \(seed): \(plan.count) batches for \(engine.name), "
        + "\(timing.activity.measured) measured now\n")
  }

  /// Measures batches that are given by their rows, and prints each variant's and policy's time.
  func measure(rows: [String], on console: Console) throws {
    let batches = try rows.map { text in
      guard let batch = BatchKey.batch(ofRows: text), batch.summary.rows > 0 else {
        throw CommandError.usage("--rows '\(text)' is not like 500,1000*3 or 2048/4096,500*15")
      }
      return batch
    }
    let timing = try timing(on: console)
    defer { GPUOptions.tell(timing, on: console) }
    for (text, given) in zip(rows, batches) {
      var batch = given
      engine.attentionContext.pad(&batch)
      for policy in policies {
        guard
          case .variant(let variant) = policy.choose(
            for: batch.summary, in: engine.attentionContext)
        else { continue }
        let time = try time(of: variant, batch, timing)
        let words = time.map { "\(Double($0.rawValue / 10) / 100) µs" } ?? "cannot run it"
        try console.print("\(text)  \(policy.name)  \(variant.name)  \(words)\n")
      }
    }
  }

  private var variants: [KernelVariant] {
    policies.flatMap(\.variants).reduce(into: []) { known, variant in
      if !known.contains(variant) { known.append(variant) }
    }
  }

  private func timing(on console: Console) throws -> MeasuredAttentionTiming {
    var options = gpu
    options.exact = true
    let timing = try options.timing(
      .gpu, engine: engine, gpu: ReplaySource.defaultGPU, cache: cache,
      requiresGPU: true, on: console)
    guard let timing else {
      throw CommandError.failed("no GPU here; measure on a machine with one")
    }
    return timing
  }

  /// The time of a variant; `nil` where it cannot run such a batch, as split-KV runs no prompts.
  private func time(
    of variant: KernelVariant, _ batch: AttentionBatch, _ timing: MeasuredAttentionTiming
  ) throws(TimingError) -> Nanoseconds? {
    do throws(TimingError) {
      return try timing.attentionTime(of: variant, for: batch, in: engine.attentionContext)
    } catch .batchWithoutTiming {
      return nil
    }
  }
}
