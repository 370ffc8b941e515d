import Testing
import TraceModel

@Suite("The place in an ascending collection from which a test holds")
struct PartitioningIndexTests {
  @Test("is that of the first element that passes, in arrays and their parts")
  func isFirst() {
    for count in 0...9 {
      let numbers = (0..<count).map { $0 / 2 }
      for bound in -1...6 {
        let expected = numbers.firstIndex { $0 >= bound } ?? count
        #expect(numbers.partitioningIndex { $0 >= bound } == expected)
        let part = numbers.dropFirst(2)
        #expect(
          part.partitioningIndex { $0 >= bound } == part.firstIndex { $0 >= bound } ?? part.endIndex
        )
      }
    }
  }
}
