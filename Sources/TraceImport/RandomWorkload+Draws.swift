import TraceModel

/// What is drawn, in the order in which the benchmark's code draws it.
extension RandomWorkload {
  typealias Lengths = (prompt: TokenCount, output: TokenCount)

  /// `RandomDataset.sample` of June 2025: the global stream gives lengths and then offsets.
  func lengths2025June(_ count: Int, _ twister: inout MersenneTwister) -> [Lengths] {
    let body = Double(promptTokens - specialTokens)
    let inputs = Self.range(body * (1 - rangeRatio), body * (1 + rangeRatio))
    let middle = Double(outputTokens)
    let outputs = Self.range(middle * (1 - rangeRatio), middle * (1 + rangeRatio))
    let prompts = (0..<count).map { _ in twister.integer(in: inputs) }
    let answers = (0..<count).map { _ in twister.integer(in: outputs) }
    for _ in 0..<count { _ = twister.integer(in: 0..<Int64(vocabularySize)) }
    return zip(prompts, answers).map(lengths)
  }

  /// `RandomDataset.get_sampling_params` since August 2025: bounds are rounded outwards.
  func lengthsRescaled(_ count: Int) -> [Lengths] {
    var generator = PermutedCongruentialGenerator(seed: UInt64(seed))
    let body = Double(promptTokens - specialTokens)
    let inputs = Self.range(
      (body * (1 - rangeRatio)).rounded(.down), (body * (1 + rangeRatio)).rounded(.up))
    let middle = Double(outputTokens)
    let outputs = Self.range(
      max(1, (middle * (1 - rangeRatio)).rounded(.down)),
      max(1, (middle * (1 + rangeRatio)).rounded(.up)))
    let prompts = (0..<count).map { _ in generator.integer(in: inputs) }
    let answers = (0..<count).map { _ in generator.integer(in: outputs) }
    return zip(prompts, answers).map(lengths)
  }

  /// From one bound to the other, both included; Python's `int` cuts towards zero.
  private static func range(_ low: Double, _ high: Double) -> Range<Int64> {
    Int64(low)..<(Int64(high) + 1)
  }

  /// The server adds the special tokens that were left room for; it takes no empty prompt or answer.
  private func lengths(_ prompt: Int64, _ output: Int64) -> Lengths {
    (
      TokenCount(Int32(max(1, prompt + Int64(specialTokens)))), TokenCount(Int32(max(1, output)))
    )
  }

  /// `get_request` of June 2025: each request is sent when the sleep after the one before it ends.
  func arrivalsSlept(_ count: Int, _ twister: inout MersenneTwister) -> [Double] {
    var arrivals: [Double] = []
    var clock = 0.0
    for _ in 0..<count {
      arrivals.append(clock)
      clock += interval(&twister)
    }
    return arrivals
  }

  /// `get_request` since July 2025: cumulated, then rescaled so that the last is at count / rate.
  func arrivalsRescaled(_ count: Int, _ twister: inout MersenneTwister) -> [Double] {
    var arrivals: [Double] = []
    var clock = 0.0
    for _ in 0..<count {
      clock += interval(&twister)
      arrivals.append(clock)
    }
    guard clock != 0 else { return arrivals }
    let factor = Double(count) / rate / clock
    return arrivals.map { $0 * factor }
  }

  /// One gap between two requests, in seconds.
  private func interval(_ twister: inout MersenneTwister) -> Double {
    guard rate.isFinite else { return 0 }
    guard burstiness.isFinite else { return 1 / rate }
    return twister.gamma(shape: burstiness, scale: 1 / (rate * burstiness))
  }
}

// MARK: Checks

extension RandomWorkload {
  /// The number of requests, once every parameter has been found possible.
  func checkedCount() throws(TraceImportError) -> Int {
    guard rate > 0 else { throw Self.invalid("rate", "must be above 0, or inf") }
    guard burstiness > 0 else { throw Self.invalid("burstiness", "must be above 0, or inf") }
    guard (0..<1).contains(rangeRatio) else {
      throw Self.invalid("range-ratio", "must be at least 0 and below 1")
    }
    let tokens = 1...(ImportLimits.tokensMax / 2)
    for (name, count) in [("prompt", promptTokens), ("output-tokens", outputTokens)]
    where !tokens.contains(count) {
      throw Self.invalid(name, "must lie between 1 and \(tokens.upperBound) tokens")
    }
    guard (0..<promptTokens).contains(specialTokens) || promptTokens == specialTokens else {
      throw Self.invalid("special-tokens", "must fit into the prompt")
    }
    guard tokens.contains(vocabularySize) else {
      throw Self.invalid("vocabulary", "must have between 1 and \(tokens.upperBound) tokens")
    }
    let count = try requestedCount()
    guard (1...ImportLimits.generatedRequestsMax).contains(count) else {
      let most = ImportLimits.generatedRequestsMax
      if case .requests = size {
        throw Self.invalid("requests", "must lie between 1 and \(most)")
      }
      throw Self.invalid("duration", "must be short enough for at most \(most) requests")
    }
    return count
  }

  private func requestedCount() throws(TraceImportError) -> Int {
    switch size {
    case .requests(let count): return count
    case .duration(let duration):
      guard rate.isFinite else {
        throw Self.invalid("rate", "must be finite where a duration is given")
      }
      guard duration > .zero else { throw Self.invalid("duration", "must be above 0") }
      // A product such as 0.1 × 30 falls short of a whole number by a rounding error only.
      let product = (duration.seconds * rate + 1e-9).rounded(.down)
      return product < 1e12 ? max(1, Int(product)) : .max
    }
  }

  /// An error about a parameter, called as the commands' options are.
  static func invalid(_ parameter: String, _ reason: String) -> TraceImportError {
    TraceImportError(.invalidParameter, source: parameter, reason: reason)
  }
}
