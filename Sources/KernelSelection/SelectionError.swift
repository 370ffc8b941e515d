/// Why a name stands for no policy.
public struct SelectionError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// No policy has this name.
    case unknownPolicy(known: [String])
    /// The part after the colon names no kernel variant.
    case unknownVariant(String)
    /// The part after the colon is not what the policy takes.
    case invalidArgument(expected: String)
  }

  /// What is wrong.
  public var kind: Kind
  /// The name as it was given.
  public var name: String

  /// An error about a given name.
  public init(_ kind: Kind, name: String) {
    self.kind = kind
    self.name = name
  }

  /// One line: what, where, and what to write instead.
  public var message: String { MessageText.oneLine(text) }

  private var text: String {
    switch kind {
    case .unknownPolicy(let known):
      "unknown selection policy '\(name)'\(Self.hint(name, known)); "
        + "known are \(known.joined(separator: ", "))"
    case .unknownVariant(let variant):
      "unknown kernel variant '\(variant)' in policy '\(name)'"
        + "\(Self.hint(variant, KernelVariant.exampleNames)); "
        + "known are \(KernelVariant.namesExplained)"
    case .invalidArgument(let expected):
      "policy '\(name)' needs \(expected)"
    }
  }

  private static func hint(_ name: String, _ known: [String]) -> String {
    NearestName.of(name, among: known).map { " (did you mean '\($0)'?)" } ?? ""
  }
}

extension KernelVariant {
  /// Names to compare a mistyped one with.
  public static let exampleNames = [
    KernelVariant.triton2D, .triton3D16, .flashAttention3, .flashInfer,
  ].map(\.name)

  /// All names in one phrase, for messages.
  public static let namesExplained =
    "triton-2d, triton-3d-N with N from 2 to 128 segments, flash-attention-3, flashinfer, "
    + "triton-mla-N, triton-mla-2025-N and triton-mla-pages-N with N from 1 to 1024 splits"
}
