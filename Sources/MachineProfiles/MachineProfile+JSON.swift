public import StepTiming
public import TraceModel

internal import KernelSelection

extension MachineProfile {
  /// The format's name, in every file; a change that older readers would misread gets a new number.
  public static let schema = "machine-profile/1"

  /// The profile as `reprise calibrate` writes it.
  public var json: JSONValue {
    .object([
      .init("schema", .string(Self.schema)),
      .init("gpu", .string(gpu)),
      .init("sm_count", .integer(Int64(smCount))),
      .init("cta_placement", placement.json),
      .init("provenance", .array(provenance.map { .string($0) })),
      .init("kernels", .array(kernels.map(\.json))),
      .init("models", .array(models.map(\.json))),
    ])
  }

  /// Reads a profile back.
  public init(json: JSONValue, source: String) throws(MachineProfileError) {
    let reader = ProfileReader(source: source)
    guard json["schema"]?.string == Self.schema else {
      throw MachineProfileError(
        source: source, reason: "not a \(Self.schema) file; make one with `reprise calibrate`")
    }
    self.init(
      gpu: try reader.string(json, "gpu"), placement: try reader.placement(json),
      provenance: try reader.array(json, "provenance").compactMap(\.string), kernels: [],
      models: [])
    for kernel in try reader.array(json, "kernels") {
      kernels.append(try reader.kernel(kernel, placement))
    }
    for model in try reader.array(json, "models") { models.append(try reader.model(model)) }
  }
}

extension CTAPlacement {
  /// A line for each launch; nothing where CTAs go to SMs in turn.
  fileprivate var json: JSONValue {
    guard self != .inTurn(smCount: smCount) else { return .null }
    return .array(
      launches.map { .string($0.map { String($0) }.joined(separator: " ")) })
  }
}

extension FittedKernel {
  fileprivate var json: JSONValue {
    let names = KernelModels.model(of: variant.family)?.parameterNames ?? []
    let members = zip(names, parameters).map { JSONValue.Member($0, .number($1)) }
    return .object([
      .init("variant", .string(variant.name)),
      .init("parameters", .object(members)),
      .init("engine_extra_us", .number(engineExtra.alone)),
      .init("engine_extra_us_per_doubling", .number(engineExtra.perDoubling)),
      .init("fitted_error", fitted.json),
      .init("held_out_error", heldOut.json),
    ])
  }
}

extension FitError {
  fileprivate var json: JSONValue {
    .object([
      .init("median", .number(median)), .init("p90", .number(p90)), .init("max", .number(max)),
      .init("rows", .integer(Int64(rows))),
    ])
  }
}

extension ModelProfile {
  fileprivate var json: JSONValue {
    func table(_ points: [RestOfStep.Point]) -> JSONValue {
      .array(
        points.map { .array([.integer(Int64($0.tokens)), .number($0.microseconds)]) })
    }
    func error(_ value: FitError?) -> JSONValue { value?.json ?? .null }
    return .object([
      .init("model", shape.json),
      .init("recordings", .array(recordings.map { .string($0) })),
      .init("graph_rest_us", table(rest.graphs)),
      .init("piece_rest_us", table(rest.pieces)),
      .init("piece_rest_spread", .array(rest.spread.factors.map { .number($0) })),
      .init("power_limit", rest.limit.json),
      .init("host", host.json),
      .init("output_layer", outputLayer == .unknown ? .null : outputLayer.json),
      .init("decode_step_error", error(decodeStepError)),
      .init("mixed_step_error", error(mixedStepError)),
    ])
  }
}

extension PowerLimit {
  fileprivate var json: JSONValue {
    guard self != .none else { return .null }
    return .object([
      .init("excess", .number(excess)), .init("relief", .number(relief)),
      .init("slowing", .number(slowing)),
      .init("credit_us", .number(credit)), .init("time_us", .number(time)),
      .init("decode_rest_slowing", .number(decode.rest)),
      .init("decode_attention_slowing", .number(decode.attention)),
      .init("clock_time_us", .number(decode.clockTime)),
    ])
  }
}

extension HostTiming {
  /// Keys that a profile may lack.
  static let laterKeys: Set<String> = ["send_delay_us", "wake_up_us", "gathering_us"]

  /// Keys of the parameters in profiles, all in microseconds.
  static var keys: [(key: String, path: WritableKeyPath<HostTiming, Nanoseconds>)] {
    [
      ("send_delay_us", \.sendDelay), ("admission_us", \.admission),
      ("wake_up_us", \.wakeUp), ("gathering_us", \.gathering),
      ("schedule_delay_us", \.scheduleDelay),
      ("schedule_duration_us", \.scheduleDuration), ("first_kernel_us", \.firstKernel),
      ("graph_launch_us", \.graphLaunch), ("piece_launch_us", \.pieceLaunch),
      ("library_piece_launch_us", \.libraryPieceLaunch),
      ("output_delay_us", \.outputDelay), ("client_delay_us", \.clientDelay),
    ]
  }

  fileprivate var json: JSONValue {
    .object(
      Self.keys.map { JSONValue.Member($0.key, .number(self[keyPath: $0.path].microseconds)) }
        + [
          .init("decode_launch_share", .number(decodeLaunchShare)),
          .init("piece_launch_spread_us", pieceLaunchSpread.json),
          .init("decode_launch_spread_us", decodeLaunchSpread.json),
          .init("new_size_launch_spread_us", newSizeSpread.json),
          .init("process_launch_paces", .array(processPaces.map { .number($0) })),
          .init("client_spread_us", clientSpread.json),
        ])
  }
}

extension DelaySpread {
  fileprivate var json: JSONValue { .array(offsets.map { .number($0.microseconds) }) }
}

extension ModelShape {
  fileprivate var json: JSONValue {
    func count(_ key: String, _ value: Int) -> JSONValue.Member {
      .init(key, .integer(Int64(value)))
    }
    return .object([
      .init("name", .string(name)), count("layers", layers), count("hidden_size", hiddenSize),
      count("intermediate_size", intermediateSize), count("num_query_heads", queryHeads),
      count("num_kv_heads", kvHeads), count("head_size", headSize),
      count("vocab_size", vocabularySize), count("max_model_len", maxModelLength),
    ])
  }
}
