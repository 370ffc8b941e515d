import Testing
import TraceModel

@Suite("Sets of sizes")
struct SizeSetTests {
  @Test(
    "are written ascending, neighbours by the first and the last",
    arguments: [
      ([], ""), ([5], "5"), ([85, 1, 3, 2, 3], "1-3,85"),
      ([8192, 8191, 63, 64, 65], "63-65,8191-8192"),
      ([0, -1, 8193, 1], "1"),
    ])
  func text(sizes: [Int], text: String) throws {
    var set = SizeSet()
    for size in sizes { set.insert(size) }
    #expect(set.text == text)
    #expect(try #require(SizeSet(text: text)) == set)
    #expect(set.sizes == Set(sizes).filter { (1...SizeSet.most).contains($0) }.sorted())
  }

  @Test("hold what is in one or the other")
  func union() throws {
    var set = try #require(SizeSet(text: "1-3,70"))
    let other = try #require(SizeSet(text: "3-5,8192"))
    let between = try #require(SizeSet(text: "4-69"))
    #expect(set.intersects(other) && !set.intersects(between))
    set.formUnion(other)
    #expect(set.text == "1-5,70,8192")
    #expect(set.contains(8192) && !set.contains(6) && !set.contains(0) && !set.contains(9000))
    #expect(SizeSet(upTo: 9000).text == "1-8192" && SizeSet(upTo: 0) == SizeSet())
  }

  @Test(
    "are no other texts",
    arguments: [
      ",", "1,", "0", "-1", "1-", "3-2", "2,1", "1-3,3", "1--2", "a", "1 2", "8193", "1-2-3",
      "99999999999999999999",
    ])
  func refused(text: String) { #expect(SizeSet(text: text) == nil) }
}
