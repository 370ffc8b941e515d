import EngineSimulation
import GPUMeasurement
import KernelSelection
import Metrics
import Reports
import StepTiming
import TraceModel

/// Replays until the kernels of packages have the times of the batches that arise.
///
/// Which batches arise depends on the times, and a provider answers a whole plan at once. So a round
/// replays with what is known, estimates the rest, and lets the provider measure it, until every batch
/// is measured or the means no longer move.
struct ProviderRounds {
  /// Rounds at most; two suffice for recorded batches.
  private static let most = 8
  /// The relative change of means below which a report counts as unmoved.
  private static let still = 0.0005

  let source: ReplaySource
  let packaged: [KernelVariant]
  let command: String?
  let store: String?
  let isExact: Bool
  let profilePath: String?
  let console: Console

  /// The measured timing of this project's kernels; none where a store holds packages' times alone
  /// and the choice is left open.
  func ownTiming(
    _ measured: MeasuredAttentionTiming?, _ choice: TimingChoice
  ) -> MeasuredAttentionTiming? {
    guard !packaged.isEmpty, choice == .auto, let measured, measured.hasPackagesAlone else {
      return measured
    }
    return nil
  }

  /// The outcome under each policy.
  ///
  /// - `keepsSteps`: whether outcomes carry each step, for tables of steps
  /// - `jitter`: further replays with moved arrivals, as for `ReplayRun`
  func outcomes(
    under policies: [any SelectionPolicy], keepsSteps: Bool,
    jitter: (count: Int, amplitude: Nanoseconds, seed: UInt64)? = nil, _ times: inout StepTimes
  ) async throws -> [PolicyOutcome] {
    guard !packaged.isEmpty else {
      return try await ReplayRun(
        source: source, times: times, policies: policies, keepsSteps: keepsSteps, console: console,
        jitter: jitter
      ).outcomes()
    }
    let profile = try StepTimes.profile(gpu: source.gpu, path: profilePath)
    let calls = profile.kernels.map { kernel in
      var alone = kernel
      alone.engineExtra = .none
      return alone
    }
    let timing = ProviderAttentionTiming(
      base: times.attention, profile: ProfileAttentionTiming(calls), packaged: packaged,
      gpu: source.gpu, context: source.engine.attentionContext, placement: profile.placement,
      isExact: isExact)
    times.attention = EngineAttentionTiming(timing, kernels: profile.kernels, of: packaged)
    var outcomes: [PolicyOutcome] = []
    for round in 1...Self.most {
      if let store, FileSystem.exists(store) { timing.read(try MeasurementFile.all(store)) }
      try requireKnown(timing)
      timing.startRound()
      let before = outcomes
      outcomes = try await ReplayRun(
        source: source, times: times, policies: policies, keepsSteps: keepsSteps, console: console,
        jitter: jitter
      ).outcomes()
      let moved = Self.move(from: before, to: outcomes)
      tell(round, timing, moved)
      guard let command, let store, timing.plan.count > 0, round < Self.most,
        moved.map({ $0.share >= Self.still }) ?? true
      else { break }
      let plan = "\(store).plan"
      let file = try ResultFile(path: plan)
      try file.write(timing.plan.text.utf8.span)
      try file.finish()
      try ProviderProcess.measure(plan: plan, store: store, with: command)
      FileSystem.remove(plan)
    }
    times.description.attention += "; " + words(for: timing)
    return outcomes
  }

  /// Makes sure that something is known of every package, or that a provider can measure it.
  private func requireKnown(_ timing: ProviderAttentionTiming) throws(CommandError) {
    let unknown = timing.unknownPackages
    guard command == nil, !unknown.isEmpty else { return }
    throw .failed(
      "nothing is measured of \(unknown.map { "'\($0)'" }.joined(separator: " and ")) on \(source.gpu)"
        + (store.map { " in '\($0)'" } ?? "")
        + "; measure it with --provider and --measurements, or name another package")
  }

  private func words(for timing: ProviderAttentionTiming) -> String {
    let packages = packaged.map(\.package).reduce(into: [String]()) { known, name in
      if !known.contains(name) { known.append(name) }
    }
    let counts = timing.counts
    let names = packages.joined(separator: " and ")
    guard let machine = timing.machine else {
      return "\(names) estimated by the profile, nothing measured"
    }
    let share =
      counts.estimated == 0
      ? "" : ", \(counts.estimated) of \(counts.asked) answers from a model fitted to it"
    return "\(names) as measured on \(machine)\(share)"
  }

  private func tell(_ round: Int, _ timing: ProviderAttentionTiming, _ moved: Move?) {
    let counts = timing.counts
    var line = "round \(round): \(timing.plan.count) batches not measured yet, "
    line += "\(counts.estimated) of \(counts.asked) answers estimated"
    if let moved {
      line += "; \(moved.figure) of \(moved.policy) moved most, by \(moved.percent)"
    }
    console.note(line)
  }

  /// The mean that moved most between two rounds, relative to what it was.
  private struct Move {
    var policy: String
    var figure: String
    var share: Double

    var percent: String {
      var bytes: [UInt8] = []
      SecondsText.append(Int64((share * 1e4).rounded()), scale: 2, to: &bytes)
      return String(decoding: bytes, as: UTF8.self) + " %"
    }
  }

  private static func move(from before: [PolicyOutcome], to after: [PolicyOutcome]) -> Move? {
    var largest: Move?
    for (old, new) in zip(before, after) {
      for (figure, was, now) in [
        ("mean TTFT", old.summary.ttft?.mean, new.summary.ttft?.mean),
        ("mean ITL", old.summary.itl?.mean, new.summary.itl?.mean),
      ] {
        guard let was, let now, was > 0 else { continue }
        let share = abs(now - was) / was
        if share >= largest?.share ?? 0 {
          largest = Move(policy: new.name, figure: figure, share: share)
        }
      }
    }
    return largest
  }
}
