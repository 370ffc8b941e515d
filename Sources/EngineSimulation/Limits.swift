import TraceModel

/// Bounds of what can be simulated; who reads an engine or a trace from a file checks against them.
public enum EngineLimits {
  /// Tokens that one step may compute.
  public static let maxBatchedTokens = 1...1 << 24
  /// Requests that may run at once.
  public static let maxSequences = 1...1 << 20
  /// Tokens in a KV block.
  public static let kvBlockSize = 1...1 << 16
  /// Blocks of the KV pool; each costs 52 bytes where prefix caching is on.
  public static let kvBlocks = 1...1 << 24
  /// The longest context in tokens.
  public static let maxModelLength = 1...1 << 28
  /// The threshold for long prompts; 0 for none.
  public static let longPrefillTokenThreshold = 0...1 << 24
  /// Tokens proposed per request and step; 0 without speculative decoding.
  public static let speculativeTokens = 0...1 << 10
  /// The share of blocks that admission leaves free.
  public static let watermark = 0.0..<1.0
  /// Tokens that a prefix block stands for; outside, prefixes count as unknown.
  public static let prefixBlockTokens = 1...1 << 24
}

extension EngineModel {
  /// The first number that is out of bounds, by the property's name, with what is allowed.
  public var outOfBounds: (property: String, value: Int, allowed: ClosedRange<Int>)? {
    let checks = [
      ("maxBatchedTokens", maxBatchedTokens, EngineLimits.maxBatchedTokens),
      ("maxSequences", maxSequences, EngineLimits.maxSequences),
      ("kvBlockSize", kvBlockSize, EngineLimits.kvBlockSize),
      ("kvBlocks", kvBlocks, EngineLimits.kvBlocks),
      ("maxModelLength", model.maxModelLength, EngineLimits.maxModelLength),
      (
        "longPrefillTokenThreshold", longPrefillTokenThreshold,
        EngineLimits.longPrefillTokenThreshold
      ),
    ]
    return checks.first { !$0.2.contains($0.1) }.map {
      (property: $0.0, value: $0.1, allowed: $0.2)
    }
  }
}
