import TraceModel

/// The few forms that a step log's line consists of, appended without a `String` in between.
extension [UInt8] {
  /// Appends literal text.
  mutating func write(_ text: StaticString) {
    text.withUTF8Buffer { unsafe append(contentsOf: $0) }
  }

  /// Appends a whole number.
  mutating func write(_ value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    write(magnitude: value.magnitude)
  }

  /// Appends a whole number without sign, filled up with zeros to a number of digits.
  mutating func write(magnitude: UInt64, digits: Int = 1) {
    let start = count
    var rest = magnitude
    var left = digits
    while rest > 0 || left > 0 {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      append(UInt8(ascii: "0") + UInt8(digit))
      rest = quotient
      left -= 1
    }
    self[start...].reverse()
  }

  /// Appends `value × 10^-scale` as Python prints the float that is nearest to it.
  ///
  /// At least one digit stands behind the point; below 10^-4 an exponent stands in its place.
  mutating func writeDecimal(_ value: Int64, scale: Int) {
    if value < 0 { append(UInt8(ascii: "-")) }
    var one: UInt64 = 1
    for _ in 0..<scale { one *= 10 }
    let (whole, fraction) = value.magnitude.quotientAndRemainder(dividingBy: one)
    if whole == 0, fraction > 0, fraction < one / 10_000 {
      writeExponentForm(fraction, scale: scale)
      return
    }
    write(magnitude: whole)
    append(UInt8(ascii: "."))
    let start = count
    write(magnitude: fraction, digits: scale)
    while count > start + 1, last == UInt8(ascii: "0") { removeLast() }
  }

  /// Appends `5e-05` or `1.25e-05`.
  private mutating func writeExponentForm(_ fraction: UInt64, scale: Int) {
    var digits: [UInt8] = []
    digits.write(magnitude: fraction)
    let exponent = scale - (digits.count - 1)
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    append(digits[0])
    if digits.count > 1 {
      append(UInt8(ascii: "."))
      self += digits.dropFirst()
    }
    write("e-")
    write(magnitude: UInt64(exponent), digits: 2)
  }

  /// Appends a key and a time in seconds, or nothing.
  mutating func writeSeconds(_ key: StaticString, _ value: Nanoseconds?) {
    guard let value else { return }
    write(key)
    writeDecimal(value.rawValue, scale: 9)
  }

  /// Appends a key and a time in milliseconds, or nothing.
  mutating func writeMillis(_ key: StaticString, _ value: Nanoseconds?) {
    guard let value else { return }
    write(key)
    writeDecimal(value.rawValue, scale: 6)
  }

  /// Appends a key and a count, or nothing.
  mutating func writeCount(_ key: StaticString, _ value: Int32?) {
    guard let value else { return }
    write(key)
    write(Int64(value))
  }

  /// Appends a key with its opening bracket, the elements with commas, and the closing bracket.
  mutating func writeList<Item>(
    _ key: StaticString, _ items: [Item], _ write: (Item, inout [UInt8]) -> Void
  ) {
    self.write(key)
    for (index, item) in items.enumerated() {
      if index > 0 { append(UInt8(ascii: ",")) }
      write(item, &self)
    }
    append(UInt8(ascii: "]"))
  }
}
