extension JSONValue {
  /// The value as JSON text: order, integers and doubles survive parsing it again.
  ///
  /// The compact form is byte for byte that of Python's
  /// `json.dumps(value, separators=(",", ":"), ensure_ascii=False)`, the pretty form that of
  /// `indent=2`. A number that is infinite or no number at all becomes `null`, since JSON has none.
  public func text(pretty: Bool = false) -> String {
    var bytes: [UInt8] = []
    append(to: &bytes, pretty: pretty)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the same text as UTF-8, for writers that gather a whole file or line.
  public func append(to bytes: inout [UInt8], pretty: Bool = false) {
    write(&bytes, indentation: pretty ? 0 : nil)
  }

  /// Appends a double as Python's `repr` prints it: the shortest text that parses to the same value.
  public static func append(_ value: Double, to bytes: inout [UInt8]) {
    guard value.isFinite else {
      bytes += "null".utf8
      return
    }
    // Swift turns to an exponent beyond 2^53, Python from 10^16; in all else they agree.
    let magnitude = value.magnitude
    if magnitude > 0x1p53, magnitude < 1e16 {
      bytes += "\(Int64(value)).0".utf8
    } else {
      bytes += value.description.utf8
    }
  }

  /// Appends a quoted string with only those escapes that JSON demands.
  public static func append(_ string: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x08: bytes += #"\b"#.utf8
      case 0x09: bytes += #"\t"#.utf8
      case 0x0A: bytes += #"\n"#.utf8
      case 0x0C: bytes += #"\f"#.utf8
      case 0x0D: bytes += #"\r"#.utf8
      case ..<0x20: bytes += ((byte < 0x10 ? #"\u000"# : #"\u00"#) + String(byte, radix: 16)).utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSONValue {
  /// Appends the value; `indentation` is the depth of the pretty form, `nil` for the compact one.
  private func write(_ bytes: inout [UInt8], indentation: Int?) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += String(value).utf8
    case .number(let value): Self.append(value, to: &bytes)
    case .string(let value): Self.append(value, to: &bytes)
    case .array(let values):
      Self.writeList(values, "[", "]", &bytes, indentation) { value, bytes, inner in
        value.write(&bytes, indentation: inner)
      }
    case .object(let members):
      Self.writeList(members, "{", "}", &bytes, indentation) { member, bytes, inner in
        Self.append(member.key, to: &bytes)
        bytes += (inner == nil ? ":" : ": ").utf8
        member.value.write(&bytes, indentation: inner)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], _ open: Character, _ close: Character, _ bytes: inout [UInt8],
    _ indentation: Int?, _ write: (Element, inout [UInt8], Int?) -> Void
  ) {
    bytes += String(open).utf8
    let inner = indentation.map { $0 + 1 }
    for (index, element) in elements.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      breakLine(&bytes, inner)
      write(element, &bytes, inner)
    }
    if !elements.isEmpty { breakLine(&bytes, indentation) }
    bytes += String(close).utf8
  }

  private static func breakLine(_ bytes: inout [UInt8], _ indentation: Int?) {
    guard let indentation else { return }
    bytes.append(0x0A)
    bytes += repeatElement(0x20, count: 2 * indentation)
  }
}
