import ConfigurationFiles
import Testing

/// The message of the error that `body` must end in.
func configurationMessage<Value>(
  _ body: () throws(ConfigurationError) -> Value, sourceLocation: SourceLocation = #_sourceLocation
) -> String {
  do throws(ConfigurationError) {
    let value = try body()
    Issue.record("no error but \(value)", sourceLocation: sourceLocation)
    return ""
  } catch {
    return error.message
  }
}

func rulePolicyMessage(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation
) -> String {
  configurationMessage(
    { () throws(ConfigurationError) in
      try RuleFile.parse(bytes: Array(text.utf8), path: "rules.yaml")
    }, sourceLocation: sourceLocation)
}

func engineMessage(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
  configurationMessage(
    { () throws(ConfigurationError) in
      try EngineFile.parse(bytes: Array(text.utf8), path: "engine.yaml")
    }, sourceLocation: sourceLocation)
}
