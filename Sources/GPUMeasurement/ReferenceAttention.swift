internal import Dispatch
internal import Glibc
internal import KernelImages
internal import KernelSelection

/// What attention makes of a test batch in float64, by its definition; on the host, on all processors.
enum ReferenceAttention {
  /// Tokens of a row that are one piece of work.
  private static let tokensPerPiece = 32

  private struct Piece {
    var row: Int
    var head: Int
    /// Tokens of the row.
    var tokens: Range<Int>
    /// The place of the row's first token in the batch.
    var start: Int
  }

  /// The output, [tokens, query heads, output head]; zero for padding tokens and rows without KV.
  ///
  /// A token attends to the row's KV up to itself; the last token of a row to all of it.
  static func output(of test: SelfTestBatch, scale: Double) -> [Double] {
    let heads = test.context.queryHeads
    let size = test.shape.isLatent ? AttentionContext.latentSize : test.context.headSize
    var pieces: [Piece] = []
    var start = 0
    for row in test.batch.kvLengths.indices {
      let count = Int(test.batch.queryLengths[row])
      if test.batch.kvLengths[row] > 0 {
        for first in stride(from: 0, to: count, by: tokensPerPiece) {
          for head in 0..<heads {
            pieces.append(
              Piece(
                row: row, head: head, tokens: first..<min(count, first + tokensPerPiece),
                start: start))
          }
        }
      }
      start += count
    }
    var output = [Double](
      repeating: 0, count: test.batch.summary.launchedTokens * heads * size)
    let work = pieces
    unsafe output.withUnsafeMutableBufferPointer { target in
      // Pieces write different places.
      nonisolated(unsafe) let target = unsafe target
      DispatchQueue.concurrentPerform(iterations: work.count) { index in
        let piece = work[index]
        for token in piece.tokens {
          let values = attend(test, piece, token, scale: scale, size: size)
          let place = ((piece.start + token) * heads + piece.head) * size
          for element in 0..<size { unsafe target[place + element] = values[element] }
        }
      }
    }
    return output
  }

  private static func attend(
    _ test: SelfTestBatch, _ piece: Piece, _ token: Int, scale: Double, size: Int
  ) -> [Double] {
    let context = test.context
    let isBrain = test.shape.element == "bf16"
    let count =
      Int(test.batch.kvLengths[piece.row]) - Int(test.batch.queryLengths[piece.row]) + token + 1
    let kvHead = piece.head / context.queryHeadsPerKVHead * context.headSize
    let queryPlace =
      ((piece.start + token) * context.queryHeads + piece.head) * context.headSize
    let query = (0..<context.headSize).map {
      Double(SelfTestBatch.value(test.query[queryPlace + $0], isBrain: isBrain))
    }
    return unsafe test.cache.withUnsafeBufferPointer { cache in
      var scores = [Double](repeating: 0, count: max(0, count))
      var largest = -Double.infinity
      for slot in scores.indices {
        let place = test.place(row: piece.row, slot: slot, part: 0) + kvHead
        // Lanes of their own, as one sum would wait for itself; heads have multiples of 8 elements.
        var sums = SIMD8<Double>.zero
        for element in stride(from: 0, to: query.count, by: 8) {
          var keys = SIMD8<Double>.zero
          var queries = SIMD8<Double>.zero
          for lane in 0..<8 {
            let word = unsafe cache[place + element + lane]
            keys[lane] = Double(SelfTestBatch.value(word, isBrain: isBrain))
            queries[lane] = query[element + lane]
          }
          sums += queries * keys
        }
        scores[slot] = sums.sum() * scale
        largest = max(largest, scores[slot])
      }
      var values = [Double](repeating: 0, count: size)
      var total = 0.0
      for slot in scores.indices {
        let weight = exp(scores[slot] - largest)
        total += weight
        let part = test.shape.isLatent ? 0 : 1
        let place = test.place(row: piece.row, slot: slot, part: part) + kvHead
        for element in 0..<size {
          let value = unsafe SelfTestBatch.value(cache[place + element], isBrain: isBrain)
          values[element] += weight * Double(value)
        }
      }
      return total > 0 ? values.map { $0 / total } : values
    }
  }
}
