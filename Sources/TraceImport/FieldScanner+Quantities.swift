import TraceModel

/// Numbers with the units and bounds that logs and traces give them.
extension FieldScanner {
  /// Takes a time in seconds.
  @inline(__always)
  mutating func seconds(
    _ what: StaticString, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Nanoseconds {
    let value = try decimal(what, scale: 9, bytes)
    guard value <= ImportLimits.arrivalMax else { throw LineFault("\(what) is too late") }
    return Nanoseconds(value)
  }

  /// Takes a time in milliseconds.
  @inline(__always)
  mutating func millis(
    _ what: StaticString, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Nanoseconds {
    let value = try decimal(what, scale: 6, bytes)
    guard value <= ImportLimits.arrivalMax else { throw LineFault("\(what) is too late") }
    return Nanoseconds(value)
  }

  /// Takes what a step took the GPU, in milliseconds.
  @inline(__always)
  mutating func gpuTime(
    _ what: StaticString, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Nanoseconds {
    let time = try millis(what, bytes)
    guard time.rawValue <= ImportLimits.gpuTimeMax else { throw LineFault("\(what) is too long") }
    return time
  }

  /// Takes a number of tokens, 0 allowed.
  @inline(__always)
  mutating func tokens(
    _ what: StaticString, _ bytes: Span<UInt8>
  ) throws(LineFault) -> TokenCount {
    TokenCount(Int32(try whole(what, max: UInt64(ImportLimits.tokensMax), bytes)))
  }

  /// Takes a count, or `null`.
  mutating func optionalCount(
    _ what: StaticString, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Int32? {
    if try isNull(bytes) { return nil }
    return Int32(try whole(what, max: UInt64(Int32.max), bytes))
  }

  /// Takes a step's number, or -1 for none.
  mutating func stepOrNone(
    _ what: StaticString, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Int64 {
    guard try peek(bytes) == UInt8(ascii: "-") else {
      return Int64(try whole(what, max: 1 << 62, bytes))
    }
    position += 1
    guard try whole(what, max: 1 << 62, bytes) == 1 else { throw LineFault("\(what) is below -1") }
    return -1
  }

  /// Takes a list of block identities, 64 bits each.
  mutating func identities(
    _ bytes: Span<UInt8>, into blocks: inout [UInt64]
  ) throws(LineFault) {
    if try isNull(bytes) { return }
    try expect(UInt8(ascii: "["), bytes)
    guard try !isEmptyList(UInt8(ascii: "]"), bytes) else { return }
    repeat {
      skipWhitespace(bytes)
      blocks.append(try whole("a block's id", max: .max, bytes))
    } while try hasNext(before: UInt8(ascii: "]"), bytes)
  }
}
