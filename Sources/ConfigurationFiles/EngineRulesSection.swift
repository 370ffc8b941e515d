import EngineSimulation
import KernelSelection
import TraceModel

/// The scheduler's rules of an engine file: the release's, with those that the file states.
enum EngineRulesSection {
  static func rules(
    _ file: MappingReader, version: VLLMVersion
  ) throws(ConfigurationError) -> SchedulerRules {
    var rules = SchedulerRules(version)
    rules.override(
      sparesLoneRequest: try flag(file, .sparesLoneRequest),
      adaptsLongPrefillThreshold: try flag(file, .adaptsLongPrefillThreshold),
      maxActiveSequences: try file.integer(
        SchedulerRules.Key.maxActiveSequences.rawValue, in: EngineLimits.maxSequences),
      watermark: try watermark(file),
      takesNamelessBlocksFirst: try flag(file, .takesNamelessBlocksFirst),
      hasPersistentBatch: try flag(file, .hasPersistentBatch))
    return rules
  }

  private static func flag(
    _ file: MappingReader, _ key: SchedulerRules.Key
  ) throws(ConfigurationError) -> Bool? {
    try file.bool(key.rawValue)
  }

  private static func watermark(_ file: MappingReader) throws(ConfigurationError) -> Double? {
    let key = SchedulerRules.Key.watermark.rawValue
    guard let node = file[key] else { return nil }
    guard let value = node.json.double, EngineLimits.watermark.contains(value) else {
      throw file.wrongType(key, "a number from 0 to below 1", node)
    }
    return value
  }
}
