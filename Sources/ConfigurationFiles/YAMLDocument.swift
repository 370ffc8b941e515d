public import TraceModel

/// YAML text as JSON values: one document, YAML 1.2's core types, no anchors, aliases or tags.
public enum YAMLDocument {
  /// Parses text; `path` names it in errors.
  public static func parse(
    bytes: [UInt8], path: String? = nil
  ) throws(ConfigurationError) -> JSONValue {
    try YAMLComposer.compose(bytes, path: path).json
  }

  /// Parses a file.
  public static func parse(path: String) throws(ConfigurationError) -> JSONValue {
    try YAMLComposer.compose(try ConfigurationText.read(path), path: path).json
  }
}
