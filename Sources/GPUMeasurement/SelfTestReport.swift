public import MeasurementStore

/// One variant on one batch, held to the reference.
public struct SelfTestResult: Hashable, Sendable {
  /// The variant's name.
  public var variant: String
  /// The shape as builds name it, such as `h128-r4-b16-bf16`.
  public var shape: String
  /// The batch's name.
  public var batch: String
  /// Norm of the difference to float64 over the norm of float64's output.
  public var error: Double
  /// The same for the worst head of a token.
  public var worstHeadError: Double
  /// Norm of the difference to the first variant's output over the norm of float64's.
  public var difference: Double
  /// What is wrong; `nil` for nothing.
  public var miss: String?
}

/// What a self-test has found.
public struct SelfTestReport: Sendable {
  /// The GPU and its driver.
  public var machine: MeasuredMachine
  /// What inputs were drawn from.
  public var seed: UInt64
  /// Every run in order.
  public internal(set) var results: [SelfTestResult] = []

  /// Whether every run gave what it should.
  public var isPassed: Bool { !results.isEmpty && results.allSatisfy { $0.miss == nil } }

  /// A table of variants by shape, the misses, and a last line with the outcome.
  public var text: String {
    var lines = [
      "GPU      \(machine.gpu), driver \(machine.driver)",
      "inputs   seed \(seed); outputs and scratch hold NaN before each run",
      "errors   norm of the difference to float64 over float64's norm, worst over batches",
      "",
    ]
    var groups: [(shape: String, variant: String)] = []
    for result in results
    where !groups.contains(where: { $0 == (result.shape, result.variant) }) {
      groups.append((result.shape, result.variant))
    }
    for group in groups {
      let own = results.filter { ($0.shape, $0.variant) == group }
      let worst = own.max { $0.error < $1.error }
      let head = own.map(\.worstHeadError).max() ?? 0
      let apart = own.map(\.difference).max() ?? 0
      lines.append(
        "\(group.shape)  \(group.variant): \(Self.short(worst?.error ?? 0)) (\(worst?.batch ?? "")), "
          + "worst head \(Self.short(head)), from the first variant \(Self.short(apart)), "
          + "\(own.count) batches")
    }
    let missed = results.filter { $0.miss != nil }
    for result in missed {
      lines.append(
        "MISS     \(result.variant) for \(result.shape) on '\(result.batch)': \(result.miss ?? "")")
    }
    lines.append("")
    lines.append("\(results.count) runs, \(missed.count) wrong")
    return lines.joined(separator: "\n") + "\n"
  }

  /// A small number with three digits, such as `2.18e-03`.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    guard value > 0 else { return "0" }
    var scaled = value
    var exponent = 0
    while scaled < 1 {
      scaled *= 10
      exponent -= 1
    }
    while scaled >= 9.995 {
      scaled /= 10
      exponent += 1
    }
    let hundredths = Int((scaled * 100).rounded())
    let digits = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
    return "\(hundredths / 100).\(digits)e\(exponent)"
  }
}
