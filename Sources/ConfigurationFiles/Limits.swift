/// Bounds of configuration files, so that a hostile one ends in an error.
public enum ConfigurationLimits {
  /// Bytes of a file; real ones have a few hundred.
  public static let documentBytesMax = 1 << 20
  /// Mappings and sequences within one another.
  public static let depthMax = 32
  /// Characters of a plain number; what is longer is text.
  public static let numberCharactersMax = 400
  /// Rules of a policy, each tried for every step.
  public static let rulesMax = 1_000
  /// Captured graph sizes of an engine.
  public static let captureSizesMax = 4_096
  /// Characters of a policy's or an engine's name, which results use in file names.
  public static let nameCharactersMax = 64
}
