/// Bounds as rules, rule files and programs write them.
public enum RuleNumber {
  /// A whole number without a point, any other in the shortest form that reads back.
  public static func text(_ bound: Double) -> String {
    Int(exactly: bound).map(String.init) ?? "\(bound)"
  }
}
