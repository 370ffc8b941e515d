/// Gathers bytes and hands them over in pieces, so that a long file needs no memory of its own.
struct PieceWriter<Failure: Error> {
  /// Bytes not handed over yet.
  var bytes: [UInt8] = []
  private static var pieceBytes: Int { 1 << 16 }

  /// Hands over what has gathered, once that is much, or `all` of it.
  mutating func flush(
    all: Bool = false, to take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    guard all || bytes.count >= Self.pieceBytes else { return }
    try take(bytes.span)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Appends a text.
  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
