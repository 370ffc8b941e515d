/// Numbers as reports print them: fixed places, thousands grouped by commas.
///
/// Written by hand because the formatted forms of the standard libraries bring 40 MB of tables.
enum NumberText {
  /// A whole number, such as `19,366`.
  static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A number rounded half away from zero to some places, such as `1,234.50`; `-` where not finite.
  static func fixed(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return "-" }
    var power = 1.0
    for _ in 0..<places { power *= 10 }
    let scaled = (value.magnitude * power).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int(scaled / power)
    let fraction = Int(scaled - Double(whole) * power)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + grouped(whole) }
    let digits = String(fraction)
    return sign + grouped(whole) + "."
      + String(repeating: "0", count: max(0, places - digits.count)) + digits
  }

  /// A difference with its sign, such as `+0.12`; zero has none.
  static func signed(_ value: Double, places: Int) -> String {
    let text = fixed(value, places: places)
    let isZero = !text.contains { $0.isNumber && $0 != "0" }
    return value > 0 && !isZero ? "+" + text : text
  }

  /// A share as a percentage, such as `27.3 %`.
  static func percent(_ share: Double, places: Int = 1) -> String {
    fixed(share * 100, places: places) + " %"
  }

  /// A relative difference as a percentage with its sign, such as `-27.3 %`.
  static func signedPercent(_ share: Double, places: Int = 1) -> String {
    signed(share * 100, places: places) + " %"
  }

  /// Places that suit milliseconds of such sizes, the same for all: by the smallest of them three
  /// below a hundred, two below a thousand, else one.
  static func places(for values: some Sequence<Double>) -> Int {
    let smallest = values.map(\.magnitude).min() ?? 0
    return smallest < 100 ? 3 : smallest < 1000 ? 2 : 1
  }
}
