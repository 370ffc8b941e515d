import EngineSimulation
import Metrics

extension ReplayReport {
  /// Decode steps outside graphs, as a share of all, from which on a report notes them.
  private static let piecewiseShareMin = 0.1

  /// What a report notes where the host launches many decode steps in pieces: two processes of an engine
  /// are as far apart there as rules are.
  static func launchNote(_ outcomes: [PolicyOutcome]) -> String? {
    let shares = outcomes.compactMap { policy -> Double? in
      let all = policy.outcome.counts.decodeSteps
      return all > 0 ? Double(policy.outcome.piecewiseDecodeSteps) / Double(all) : nil
    }
    guard let most = shares.max(), most >= piecewiseShareMin else { return nil }
    return
      "\(NumberText.percent(most, places: 0)) of decode steps are not one CUDA graph, so the host launches "
      + "them in pieces; how long that takes differs from process to process, and with it which rule is faster"
  }
}
