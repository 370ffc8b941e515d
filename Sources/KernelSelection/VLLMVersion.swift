/// A release of vLLM, for what changed between releases.
public struct VLLMVersion: Hashable, Comparable, Sendable {
  /// The first number.
  public var major: Int
  /// The second number.
  public var minor: Int
  /// The third number; 0 where it is left out.
  public var patch: Int

  /// A release by its numbers.
  public init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// Reads `0.24`, `0.24.0` and what builds add behind, such as `0.24.0rc1` or `0.9.2+cu126`.
  public init?(_ text: String) {
    var numbers: [Int] = []
    for part in text.split(separator: ".", omittingEmptySubsequences: false).prefix(3) {
      let digits = part.prefix { ("0"..."9").contains($0) }
      guard digits.count <= 6, let number = Int(digits) else { break }
      numbers.append(number)
      if digits.count < part.count { break }
    }
    guard numbers.count >= 2 else { return nil }
    self.init(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
  }

  /// Orders by release.
  public static func < (a: Self, b: Self) -> Bool {
    (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
  }
}
