internal import KernelSelection
internal import StepTiming
internal import TraceModel

/// Reads the parts of a profile's JSON, naming the key that is wrong.
struct ProfileReader {
  let source: String

  /// Microseconds, and factors, beyond which no profile is one; their product is a time.
  private static let delayMax = 1e9
  private static let factorMax = 1e6

  func string(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> String {
    guard let value = json[key]?.string else { throw missing(key, "a string") }
    return value
  }

  func integer(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> Int {
    guard let value = json[key]?.int, value > 0 else { throw missing(key, "an integer above zero") }
    return value
  }

  func number(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> Double {
    guard let value = json[key]?.double, value.isFinite else { throw missing(key, "a number") }
    return value
  }

  func array(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> [JSONValue] {
    guard case .array(let values)? = json[key] else { throw missing(key, "an array") }
    return values
  }

  func kernel(_ json: JSONValue) throws(MachineProfileError) -> FittedKernel {
    let name = try string(json, "variant")
    guard let variant = KernelVariant(name: name),
      let model = KernelModels.model(of: variant.family), let values = json["parameters"]
    else { throw MachineProfileError(source: source, reason: "kernel \(name) is not known here") }
    var parameters: [Double] = []
    for key in model.parameterNames {
      let value = try number(values, key)
      // Models compute with what a fit can give, which is positive and moderate.
      guard (0...1e6).contains(value) else { throw missing(key, "a number from 0 to 1,000,000") }
      parameters.append(value)
    }
    // Profiles of before have the same extra for any number of rows.
    let growth = "engine_extra_us_per_doubling"
    return FittedKernel(
      variant: variant, parameters: parameters,
      engineExtra: EngineExtra(
        alone: try number(json, "engine_extra_us"),
        perDoubling: json[growth] == nil ? 0 : try number(json, growth)),
      fitted: try requiredError(json, "fitted_error"),
      heldOut: try requiredError(json, "held_out_error"))
  }

  func model(_ json: JSONValue) throws(MachineProfileError) -> ModelProfile {
    guard let shape = json["model"].flatMap(ModelShape.init(json:)) else {
      throw missing("model", "a model's shape")
    }
    var host = HostTiming()
    let hostJSON = json["host"] ?? .null
    for (key, path) in HostTiming.keys {
      // Profiles of before tell neither sending nor waking up apart, nor what waking gathers.
      if hostJSON[key] == nil, HostTiming.laterKeys.contains(key) { continue }
      let value = try number(hostJSON, key)
      guard value.magnitude < Self.delayMax else { throw missing(key, "microseconds") }
      host[keyPath: path] = Nanoseconds(Int64((value * 1e3).rounded()))
    }
    if hostJSON["gathering_us"] == nil {
      host.gathering = HostTiming.gathering(within: host.admission + host.wakeUp)
    }
    host.pieceLaunchSpread = try delaySpread(hostJSON, "piece_launch_spread_us")
    host.newSizeSpread = try delaySpread(hostJSON, "new_size_launch_spread_us")
    if hostJSON["process_launch_paces"] != nil {
      host.processPaces = try factors(hostJSON, "process_launch_paces").sorted()
    }
    host.clientSpread = try delaySpread(hostJSON, "client_spread_us")
    return ModelProfile(
      shape: shape,
      rest: RestOfStep(
        graphs: try table(json, "graph_rest_us"), pieces: try table(json, "piece_rest_us"),
        spread: RestSpread(factors: try factors(json, "piece_rest_spread")),
        limit: try limit(json, "power_limit")),
      host: host,
      decodeStepError: try error(json, "decode_step_error"),
      mixedStepError: try error(json, "mixed_step_error"),
      recordings: try array(json, "recordings").compactMap(\.string))
  }

  private func table(
    _ json: JSONValue, _ key: String
  ) throws(MachineProfileError) -> [RestOfStep.Point] {
    var points: [RestOfStep.Point] = []
    for entry in try array(json, key) {
      guard case .array(let pair) = entry, pair.count == 2, let tokens = pair[0].int, tokens > 0,
        let microseconds = pair[1].double, microseconds.isFinite
      else { throw missing(key, "pairs of tokens and microseconds") }
      points.append(.init(tokens: tokens, microseconds: microseconds))
    }
    return points
  }

  private func factors(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> [Double] {
    let values = try array(json, key)
    let factors = values.compactMap(\.double).filter { $0 > 0 && $0 < Self.factorMax }
    guard factors.count == values.count else { throw missing(key, "factors above zero") }
    return factors
  }

  private func delaySpread(
    _ json: JSONValue, _ key: String
  ) throws(MachineProfileError) -> DelaySpread {
    guard json[key] != nil else { return .none }
    let values = try array(json, key)
    let offsets = values.compactMap(\.double).filter { $0.magnitude < Self.delayMax }
    guard offsets.count == values.count else { throw missing(key, "microseconds") }
    return DelaySpread(offsets: offsets.map { Nanoseconds(Int64(($0 * 1e3).rounded())) })
  }

  private func limit(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> PowerLimit {
    // What its tables hold is something else.
    if let old = json["prompt_recovery"], old != .null { throw missing(key, "there") }
    guard let value = json[key], value != .null else { return .none }
    let limit = (
      excess: try number(value, "excess"), relief: try number(value, "relief"),
      // Older fits have none.
      slowing: value["slowing"] == nil ? 0 : try number(value, "slowing"),
      credit: try number(value, "credit_us"), time: try number(value, "time_us")
    )
    // As wide as no fit goes; beyond, times would be none.
    guard (0...10).contains(limit.excess), (0...10).contains(limit.relief),
      (0...10).contains(limit.slowing), (0...1e9).contains(limit.credit),
      (1...1e12).contains(limit.time)
    else { throw missing(key, "what a fit gives") }
    return PowerLimit(
      excess: limit.excess, relief: limit.relief, slowing: limit.slowing, credit: limit.credit,
      time: limit.time)
  }

  private func error(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> FitError? {
    json[key] == .null ? nil : try requiredError(json, key)
  }

  private func requiredError(
    _ json: JSONValue, _ key: String
  ) throws(MachineProfileError) -> FitError {
    guard let value = json[key] else { throw missing(key, "an object") }
    return FitError(
      median: try number(value, "median"), p90: try number(value, "p90"),
      max: try number(value, "max"), rows: try integer(value, "rows"))
  }

  private func missing(_ key: String, _ wanted: String) -> MachineProfileError {
    MachineProfileError(
      source: source,
      reason: "`\(key)` is not \(wanted); make the profile anew with `reprise calibrate`")
  }
}
