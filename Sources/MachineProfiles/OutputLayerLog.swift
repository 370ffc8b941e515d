public import StepTiming
internal import TraceModel

/// Reads from JSON lines which kernels compute a model's output layer, as
/// `Sources/GPUMeasurement/output_layer.py` prints it.
///
/// ```
/// {"op":"output-layer","gpu":"NVIDIA H200","model":"llama-3.1-8b","rows":[[1,0],[9,1],…],"layer_tokens":["","457-464,912",…]}
/// ```
/// Lines of other operations are passed over.
public enum OutputLayerLog {
  /// The output layers of a log by their models' names, beside `known`.
  ///
  /// - `gpu`: on which they must be
  /// - `known`: those of other logs, whose models these must not have
  public static func layers(
    text: String, source: String, gpu: String, beside known: [String: OutputLayer] = [:]
  ) throws(MachineProfileError) -> [String: OutputLayer] {
    var layers = known
    for (number, json) in LogLines.lines(of: "output-layer", in: text) {
      func wrong(_ reason: String) -> MachineProfileError {
        MachineProfileError(source: source, line: number, reason: reason)
      }
      guard json["gpu"]?.string == gpu else { throw wrong("is not of '\(gpu)', as the rest is") }
      guard let model = json["model"]?.string else { throw wrong("`model` must be a name") }
      guard layers[model] == nil else { throw wrong("'\(model)' has another line; keep one") }
      guard let layer = OutputLayer(json: json) else {
        throw wrong("`rows` and `layer_tokens` must be what output_layer.py prints")
      }
      layers[model] = layer
    }
    return layers
  }
}

extension OutputLayer {
  /// What a profile or a line of a log has of it; `nil` where that is none.
  init?(json: JSONValue) {
    guard case .array(let rows)? = json["rows"], case .array(let kernels)? = json["layer_tokens"],
      rows.count <= MachineProfileLimits.outputLayerPartsMax
    else { return nil }
    let parts = rows.compactMap { entry -> Part? in
      guard case .array(let pair) = entry, pair.count == 2, let rows = pair[0].int,
        let kernel = pair[1].int
      else { return nil }
      return Part(rows: rows, kernel: kernel)
    }
    let tokens = kernels.compactMap { $0.string.flatMap(SizeSet.init(text:)) }
    guard parts.count == rows.count, tokens.count == kernels.count else { return nil }
    self.init(parts: parts, layerTokens: tokens)
  }

  var json: JSONValue {
    .object([
      .init(
        "rows",
        .array(parts.map { .array([.integer(Int64($0.rows)), .integer(Int64($0.kernel))]) })),
      .init("layer_tokens", .array(layerTokens.map { .string($0.text) })),
    ])
  }
}
