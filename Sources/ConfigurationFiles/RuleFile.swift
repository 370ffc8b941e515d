public import KernelSelection
import TraceModel

/// Selection policies written as YAML; `README.md` beside this file has the format.
public enum RuleFile {
  private static let keys = ["name", "explanation", "source", "rules", "default"]
  private static let ruleKeys = ["when", "use"]
  private static let anyPrefill = "any_prefill"

  /// Reads a policy from a file, whose name without extension is the policy's unless it gives one.
  public static func load(path: String) throws(ConfigurationError) -> RulePolicy {
    try parse(bytes: try ConfigurationText.read(path), path: path)
  }

  /// Reads a policy from text; `path` names it.
  public static func parse(
    bytes: [UInt8], path: String
  ) throws(ConfigurationError) -> RulePolicy {
    let root = try YAMLComposer.compose(bytes, path: path)
    let file = try MappingReader(root, name: "rule file", allowed: keys, path: path)
    let defaultNode = try file.required(
      "default", hint: "name the variant that runs where no rule decides")
    var rules: [RulePolicy.Rule] = []
    let nodes = try file.list("rules") ?? []
    guard nodes.count <= ConfigurationLimits.rulesMax else {
      throw ConfigurationError(
        .invalidValue(
          key: "rules", reason: "has more than \(ConfigurationLimits.rulesMax) elements"),
        path: path, line: file.line, column: file.column)
    }
    for node in nodes { rules.append(try rule(node, path: path)) }
    return RulePolicy(
      name: try name(of: file, path: path), explanation: try file.string("explanation"),
      source: try file.string("source") ?? "rule file \(path)", rules: rules,
      default: try variant(defaultNode, key: "default", in: file))
  }

  private static func name(
    of file: MappingReader, path: String
  ) throws(ConfigurationError) -> String {
    let name = try file.name("name") ?? stem(of: path)
    guard MappingReader.isName(name) else {
      throw ConfigurationError(
        .missingKey("name", hint: "the file's own name has characters that no policy has"),
        path: path, line: file.line, column: file.column)
    }
    guard !SelectionPolicies.all.contains(where: { $0.name == name }) else {
      throw ConfigurationError(
        .invalidValue(key: "name", reason: "'\(name)' is that of a built-in policy; take another"),
        path: path, line: file["name"]?.line ?? file.line, column: file["name"]?.column)
    }
    return name
  }

  private static func stem(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return file }
    return String(file[..<dot])
  }

  private static func rule(
    _ node: YAMLNode, path: String
  ) throws(ConfigurationError) -> RulePolicy.Rule {
    let reader = try MappingReader(node, name: "rule", allowed: ruleKeys, path: path)
    let allowed = [anyPrefill] + RuleQuantity.allCases.map(\.rawValue)
    let when = try MappingReader(
      try reader.required("when", hint: "a rule for every batch is the file's 'default'"),
      name: "when", allowed: allowed, path: path)
    var conditions: [RuleCondition] = []
    for key in when.keys {
      if key == anyPrefill {
        if let expected = try when.bool(key) { conditions.append(.anyPrefill(expected)) }
      } else if let quantity = RuleQuantity(rawValue: key), let node = when[key] {
        conditions += try self.conditions(on: quantity, node, in: when)
      }
    }
    guard !conditions.isEmpty else {
      throw when.wrongType("when", "at least one condition", node)
    }
    let use = try reader.required("use", hint: "name the variant that the rule chooses")
    return RulePolicy.Rule(
      when: conditions, use: try variant(use, key: "use", in: reader))
  }

  /// `rows: 16` or `rows: {at_least: 2, at_most: 16}`.
  private static func conditions(
    on quantity: RuleQuantity, _ node: YAMLNode, in when: MappingReader
  ) throws(ConfigurationError) -> [RuleCondition] {
    if case .scalar = node.content {
      return [.number(quantity, .equals, try bound(node, key: quantity.rawValue, in: when))]
    }
    let comparisons = try MappingReader(
      node, name: quantity.rawValue, allowed: RuleComparison.allCases.map(\.rawValue),
      path: when.path)
    var conditions: [RuleCondition] = []
    for key in comparisons.keys {
      guard let comparison = RuleComparison(rawValue: key), let node = comparisons[key] else {
        continue
      }
      let bound = try bound(node, key: "\(quantity.rawValue).\(key)", in: when)
      conditions.append(.number(quantity, comparison, bound))
    }
    guard !conditions.isEmpty else {
      throw when.wrongType(quantity.rawValue, "a comparison such as {at_most: 16}", node)
    }
    return conditions
  }

  private static func bound(
    _ node: YAMLNode, key: String, in when: MappingReader
  ) throws(ConfigurationError) -> Double {
    guard let bound = node.json.double, bound >= 0 else {
      throw when.wrongType(key, "a number of at least 0", node)
    }
    return bound
  }

  private static func variant(
    _ node: YAMLNode, key: String, in reader: MappingReader
  ) throws(ConfigurationError) -> KernelVariant {
    guard let name = try reader.string(key) else { preconditionFailure("the node is there") }
    guard let variant = KernelVariant(name: name) else {
      throw reader.unknown(
        "kernel variant", name, known: KernelVariant.exampleNames + ["triton-3d-N (N: 2 to 128)"],
        node)
    }
    return variant
  }
}
