internal import KernelSelection
internal import StepTiming
internal import TraceModel

/// Reads the parts of a profile's JSON, naming the key that is wrong.
struct ProfileReader {
  let source: String

  private typealias Limits = MachineProfileLimits

  func string(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> String {
    guard let value = json[key]?.string else { throw missing(key, "a string") }
    return value
  }

  func integer(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> Int {
    guard let value = json[key]?.int, Limits.counts.contains(value) else {
      throw missing(key, "an integer from 1 to \(Limits.counts.upperBound)")
    }
    return value
  }

  func number(
    _ json: JSONValue, _ key: String, in range: ClosedRange<Double>
  ) throws(MachineProfileError) -> Double {
    guard let value = json[key]?.double, range.contains(value) else {
      throw missing(key, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func array(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> [JSONValue] {
    guard case .array(let values)? = json[key] else { throw missing(key, "an array") }
    return values
  }

  /// How the profile's GPU deals CTAs.
  func placement(_ json: JSONValue) throws(MachineProfileError) -> CTAPlacement {
    let key = "cta_placement"
    let smCount = try integer(json, "sm_count")
    guard let value = json[key], value != .null else { return .inTurn(smCount: smCount) }
    let entries = try array(json, key)
    let launches = entries.compactMap { entry in
      entry.string.flatMap { words in
        PlacedLaunch.sms(words.split(separator: " ").map { Int($0) }, smCount: smCount)
      }
    }
    guard launches.count == entries.count, launches.count <= Limits.placedLaunchesMax else {
      throw missing(
        key,
        "for each of at most \(Limits.placedLaunchesMax) launches a string with numbers of SMs below "
          + "`sm_count`, of each at most \(Limits.placedCTAsPerSMMax)")
    }
    return CTAPlacement(smCount: smCount, launches: launches)
  }

  func kernel(
    _ json: JSONValue, _ placement: CTAPlacement
  ) throws(MachineProfileError) -> FittedKernel {
    let name = try string(json, "variant")
    guard let variant = KernelVariant(name: name),
      let model = KernelModels.model(of: variant.family), let values = json["parameters"]
    else { throw MachineProfileError(source: source, reason: "kernel \(name) is not known here") }
    var parameters: [Double] = []
    for key in model.parameterNames {
      parameters.append(try number(values, key, in: Limits.parameters))
    }
    // Profiles of before have the same extra for any number of rows.
    let growth = "engine_extra_us_per_doubling"
    return FittedKernel(
      variant: variant, parameters: parameters, placement: placement,
      engineExtra: EngineExtra(
        alone: try number(json, "engine_extra_us", in: Limits.extras),
        perDoubling: json[growth] == nil
          ? 0 : try number(json, growth, in: Limits.extrasPerDoubling)),
      fitted: try requiredError(json, "fitted_error"),
      heldOut: try requiredError(json, "held_out_error"))
  }

  func model(_ json: JSONValue) throws(MachineProfileError) -> ModelProfile {
    guard let shape = json["model"].flatMap(ModelShape.init(json:)),
      shape.numbers.allSatisfy(Limits.counts.contains)
    else { throw missing("model", "a model's shape") }
    var host = HostTiming()
    let hostJSON = json["host"] ?? .null
    for (key, path) in HostTiming.keys {
      // Profiles of before tell neither sending nor waking up apart, nor what waking gathers.
      if hostJSON[key] == nil, HostTiming.laterKeys.contains(key) { continue }
      let value = try number(hostJSON, key, in: Limits.delays)
      host[keyPath: path] = Nanoseconds(Int64((value * 1e3).rounded()))
    }
    if hostJSON["gathering_us"] == nil {
      host.gathering = HostTiming.gathering(within: host.admission + host.wakeUp)
    }
    if hostJSON["decode_launch_share"] != nil {
      host.decodeLaunchShare = try number(hostJSON, "decode_launch_share", in: Limits.factors)
    }
    host.pieceLaunchSpread = try delaySpread(hostJSON, "piece_launch_spread_us")
    host.decodeLaunchSpread = try delaySpread(hostJSON, "decode_launch_spread_us")
    host.newSizeSpread = try delaySpread(hostJSON, "new_size_launch_spread_us")
    if hostJSON["process_launch_paces"] != nil {
      host.processPaces = try factors(hostJSON, "process_launch_paces").sorted()
    }
    host.clientSpread = try delaySpread(hostJSON, "client_spread_us")
    var profile = ModelProfile(
      shape: shape,
      rest: RestOfStep(
        graphs: try table(json, "graph_rest_us"), pieces: try table(json, "piece_rest_us"),
        spread: RestSpread(factors: try factors(json, "piece_rest_spread")),
        limit: try limit(json, "power_limit")),
      host: host,
      decodeStepError: try error(json, "decode_step_error"),
      mixedStepError: try error(json, "mixed_step_error"),
      recordings: try array(json, "recordings").compactMap(\.string))
    // Profiles of before do not have it.
    if let known = json["output_layer"], known != .null {
      guard let layer = OutputLayer(json: known) else {
        throw missing("output_layer", "kernels by rows and by tokens")
      }
      profile.outputLayer = layer
    }
    return profile
  }

  private func table(
    _ json: JSONValue, _ key: String
  ) throws(MachineProfileError) -> [RestOfStep.Point] {
    var points: [RestOfStep.Point] = []
    for entry in try array(json, key) {
      guard case .array(let pair) = entry, pair.count == 2, let tokens = pair[0].int,
        let microseconds = pair[1].double, Limits.rests.contains(microseconds),
        Limits.counts.contains(tokens)
      else { throw missing(key, "pairs of tokens and microseconds") }
      points.append(.init(tokens: tokens, microseconds: microseconds))
    }
    return points
  }

  private func factors(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> [Double] {
    try numbers(json, key, "factors", in: Limits.factors)
  }

  private func delaySpread(
    _ json: JSONValue, _ key: String
  ) throws(MachineProfileError) -> DelaySpread {
    guard json[key] != nil else { return .none }
    let offsets = try numbers(json, key, "microseconds", in: Limits.offsets)
    return DelaySpread(offsets: offsets.map { Nanoseconds(Int64(($0 * 1e3).rounded())) })
  }

  /// The values of a spread.
  private func numbers(
    _ json: JSONValue, _ key: String, _ wanted: String, in range: ClosedRange<Double>
  ) throws(MachineProfileError) -> [Double] {
    let values = try array(json, key)
    let numbers = values.compactMap(\.double).filter(range.contains)
    guard numbers.count == values.count, numbers.count <= Limits.spreadValuesMax else {
      throw missing(
        key, "\(wanted) from \(range.lowerBound) to \(range.upperBound), few enough for a spread")
    }
    return numbers
  }

  private func limit(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> PowerLimit {
    // What its tables hold is something else.
    if let old = json["prompt_recovery"], old != .null { throw missing(key, "there") }
    guard let value = json[key], value != .null else { return .none }
    return PowerLimit(
      excess: try number(value, "excess", in: Limits.powerShares),
      relief: try number(value, "relief", in: Limits.powerShares),
      // Older fits have none.
      slowing: value["slowing"] == nil
        ? 0 : try number(value, "slowing", in: Limits.powerShares),
      credit: try number(value, "credit_us", in: Limits.credits),
      time: try number(value, "time_us", in: Limits.creditTimes),
      decode: value["clock_time_us"] == nil
        ? .none
        : PowerLimit.DecodeSlowing(
          rest: try number(value, "decode_rest_slowing", in: Limits.powerShares),
          attention: try number(value, "decode_attention_slowing", in: Limits.powerShares),
          clockTime: try number(value, "clock_time_us", in: Limits.creditTimes)))
  }

  private func error(_ json: JSONValue, _ key: String) throws(MachineProfileError) -> FitError? {
    json[key] == .null ? nil : try requiredError(json, key)
  }

  private func requiredError(
    _ json: JSONValue, _ key: String
  ) throws(MachineProfileError) -> FitError {
    guard let value = json[key] else { throw missing(key, "an object") }
    return FitError(
      median: try number(value, "median", in: Limits.errors),
      p90: try number(value, "p90", in: Limits.errors),
      max: try number(value, "max", in: Limits.errors), rows: try integer(value, "rows"))
  }

  private func missing(_ key: String, _ wanted: String) -> MachineProfileError {
    MachineProfileError(
      source: source,
      reason: "`\(key)` is not \(wanted); make the profile anew with `reprise calibrate`")
  }
}

extension ModelShape {
  fileprivate var numbers: [Int] {
    [
      layers, hiddenSize, intermediateSize, queryHeads, kvHeads, headSize, vocabularySize,
      maxModelLength,
    ]
  }
}
