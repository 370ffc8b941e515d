import TraceModel

/// The members that one kind of line knows, in the order in which they are usually written.
///
/// A reader that expects the key after the last one it met then compares once a member.
struct KeyList<Key: RawRepresentable & CaseIterable & Equatable> where Key.RawValue == String {
  let cases: [Key]
  private let packed: [PackedKey]
  /// The bits of the keys that a line must have.
  let required: UInt32

  init(required: [Key]) {
    cases = Array(Key.allCases)
    precondition(cases.count <= 32, "more keys than the set of those seen has bits")
    packed = cases.map { PackedKey($0.rawValue) }
    var mask: UInt32 = 0
    for (index, key) in cases.enumerated() where required.contains(key) { mask |= 1 << index }
    self.required = mask
  }

  /// The key's index, looked for from `expected` on and then from the start; `nil` if unknown.
  @inline(__always)
  func index(of key: PackedKey, expected: Int) -> Int? {
    for index in expected..<packed.count where packed[index] == key { return index }
    for index in 0..<expected where packed[index] == key { return index }
    return nil
  }
}

/// Walks the members of one line's object, refusing repeated keys and passing over unknown ones.
struct MemberWalk {
  private var expected = 0
  private var seen: UInt32 = 0
  private var isFirst = true

  /// A walk; `isPastFirst` where the first key of the list was read already, with its value.
  init(isPastFirst: Bool = false) {
    guard isPastFirst else { return }
    expected = 1
    seen = 1
    isFirst = false
  }

  /// Moves to the next known member's value; `nil` at the end of the object and of the line.
  @inline(__always)
  mutating func next<Key>(
    _ list: borrowing KeyList<Key>, _ scanner: inout FieldScanner, _ bytes: Span<UInt8>,
    _ notes: inout NoteCounter
  ) throws(LineFault) -> Key? {
    while try hasMember(&scanner, bytes) {
      let start = scanner.position
      let name = try scanner.key(bytes)
      guard let name, let index = list.index(of: name, expected: expected) else {
        notes.count("unknown key \"\(name?.name ?? Self.longKey(start, bytes))\" skipped")
        _ = try scanner.skipValue(bytes)
        continue
      }
      let key = list.cases[index]
      guard seen & (1 << UInt32(index)) == 0 else {
        throw LineFault("key \"\(key.rawValue)\" twice in one line")
      }
      seen |= 1 << UInt32(index)
      expected = index + 1
      return key
    }
    try checkComplete(list)
    return nil
  }

  @inline(__always)
  private mutating func hasMember(
    _ scanner: inout FieldScanner, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Bool {
    let more: Bool
    if isFirst {
      isFirst = false
      try scanner.expect(UInt8(ascii: "{"), bytes)
      more = try !scanner.isEmptyList(UInt8(ascii: "}"), bytes)
    } else {
      more = try scanner.hasNext(before: UInt8(ascii: "}"), bytes)
    }
    if more { scanner.skipWhitespace(bytes) } else { try scanner.expectEnd(bytes) }
    return more
  }

  private func checkComplete<Key>(_ list: borrowing KeyList<Key>) throws(LineFault) {
    guard seen & list.required != list.required else { return }
    let index = (list.required & ~seen).trailingZeroBitCount
    throw LineFault("\"\(list.cases[index].rawValue)\" is missing")
  }

  /// A key that is too long to pack or has escapes, cut to what a message can hold.
  private static func longKey(_ start: Int, _ bytes: Span<UInt8>) -> String {
    var parser = JSONParser(position: start)
    guard let text = (try? parser.value(bytes))?.string else { return "?" }
    return text.count > 40 ? text.prefix(40) + "…" : text
  }
}
