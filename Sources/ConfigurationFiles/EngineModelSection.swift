import EngineSimulation
import TraceModel

/// The `model` of an engine file: a known name, or a mapping with the keys of a trace's header.
enum EngineModelSection {
  private static let keys = [
    "name", "layers", "hidden_size", "intermediate_size", "num_query_heads", "num_kv_heads",
    "head_size", "vocab_size", "max_model_len",
  ]

  static func model(
    _ file: MappingReader, base: ModelShape?
  ) throws(ConfigurationError) -> ModelShape {
    guard let node = file["model"] else {
      if let base { return base }
      throw ConfigurationError(
        .missingKey("model", hint: "give its name or its shape, or a 'base'"), path: file.path,
        line: file.line, column: file.column)
    }
    if case .scalar(.string(let name), _) = node.content {
      guard let model = EngineCatalog.models.first(where: { $0.name == name }) else {
        throw file.unknown("model", name, known: EngineCatalog.models.map(\.name), node)
      }
      return model
    }
    return try shape(node, path: file.path)
  }

  private static func shape(
    _ node: YAMLNode, path: String?
  ) throws(ConfigurationError) -> ModelShape {
    let section = try MappingReader(node, name: "model", allowed: keys, path: path)
    _ = try section.required("name")
    let model = ModelShape(
      name: try section.name("name") ?? "", layers: try number(section, "layers"),
      hiddenSize: try number(section, "hidden_size"),
      intermediateSize: try number(section, "intermediate_size"),
      queryHeads: try number(section, "num_query_heads"),
      kvHeads: try number(section, "num_kv_heads"), headSize: try number(section, "head_size"),
      vocabularySize: try number(section, "vocab_size"),
      maxModelLength: try number(section, "max_model_len"))
    if let problem = EngineModel.problem(of: model) {
      throw section.invalid(problem.key, problem.reason, section[problem.key] ?? node)
    }
    return model
  }

  private static func number(
    _ section: MappingReader, _ key: String
  ) throws(ConfigurationError) -> Int {
    try section.integer(
      try section.required(key), key: key, in: EngineLimits.number)
  }
}
