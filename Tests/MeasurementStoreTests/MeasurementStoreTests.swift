import KernelSelection
import MeasurementStore
import TestSupport
import Testing
import TraceModel

@Suite("A store gives back what it was given")
struct MeasurementStoreTests {
  let folder: TemporaryDirectory
  var path: String { folder.file("store.sqlite") }

  init() throws { folder = try TemporaryDirectory() }

  @Test("samples, clocks and status come back as they were, also after closing")
  func roundTrip() throws {
    let key = StoreFixtures.key(1000)
    let unclocked = SampleSet(samples: [Nanoseconds(9)], date: "2026-11-21T10:26:00Z")
    let throttled = SampleSet(
      samples: [Nanoseconds(8)], smMegahertz: 0, memoryMegahertz: 1, throttleReasons: 1 << 63,
      date: "2026-11-21T10:27:00Z")
    do {
      let store = try MeasurementStore(path: path)
      #expect(try store.measurement(for: key) == nil)
      try store.append(throttled, to: key, status: .partial)
      try store.append(StoreFixtures.samples(61_440, 61_472, 0), to: key, status: .partial)
      try store.append(unclocked, to: key, status: .complete)
    }
    let store = try MeasurementStore(path: path, mode: .readOnly)
    let measurement = try #require(try store.measurement(for: key))
    #expect(
      measurement.sampleSets == [StoreFixtures.samples(61_440, 61_472, 0), unclocked, throttled])
    #expect(measurement.samples.map(\.rawValue) == [61_440, 61_472, 0, 9, 8])
    #expect(measurement.status == .complete)
    try store.verify()
  }

  @Test("times of one state are those of the whole measurements, failures without any among them")
  func times() throws {
    let store = try MeasurementStore(path: path)
    let (twice, failed) = (StoreFixtures.key(5), StoreFixtures.key(6))
    var warm = StoreFixtures.key(7)
    warm.state.cache = .warm
    try store.append(StoreFixtures.samples(30, 10), to: twice, status: .partial)
    try store.append(
      SampleSet(samples: [Nanoseconds(20)], date: "2026-11-21T10:27:00Z"), to: twice,
      status: .complete)
    try store.append(nil, to: failed, status: .failed(reason: "no"))
    try store.append(StoreFixtures.samples(1), to: warm, status: .complete)
    var found: [Measurement] = []
    try store.forEachTime(in: twice.state) { kernel, batch, status, samples in
      #expect(
        kernel
          == MeasuredKernel(
            machine: twice.machine, image: twice.kernelImage, variant: twice.variant))
      let key = batch == twice.batch ? twice : failed
      #expect(batch == key.batch)
      let set = SampleSet(samples: samples, date: "")
      found.append(Measurement(key: key, sampleSets: [set], status: status))
    }
    let whole = try [twice, failed].map { try #require(try store.measurement(for: $0)) }
    #expect(found.count == 2)
    for measurement in whole {
      let same = try #require(found.first { $0.key == measurement.key })
      #expect(same.samples.sorted() == measurement.samples.sorted())
      #expect(same.status == measurement.status)
    }
  }

  @Test("keys that differ in any part are different measurements")
  func parts() throws {
    let base = StoreFixtures.key(5)
    var keys = [base]
    for change in 0..<7 {
      var key = base
      switch change {
      case 0: key.machine.gpu = "other"
      case 1: key.machine.smCount = 1
      case 2: key.machine.driver = "other"
      case 3: key.kernelImage = "other"
      case 4: key.variant = "other"
      case 5: key.state.cache = .warm
      default: key.state.inGraph = false
      }
      keys.append(key)
    }
    keys.append(StoreFixtures.key(6))
    let store = try MeasurementStore(path: path)
    for (index, key) in keys.enumerated() {
      try store.append(StoreFixtures.samples(Int64(index)), to: key, status: .complete)
    }
    for (index, key) in keys.enumerated() {
      let measurement = try store.measurement(for: key)
      #expect(measurement?.samples == [Nanoseconds(Int64(index))], "\(index)")
    }
    #expect(try store.counts() == (9, 9))
  }

  @Test("a batch's text is its rows in order with all that a kernel sees, as documented")
  func batchText() {
    var batch = AttentionBatch(rows: [(1, 1200), (1, 77), (1, 77), (1, 77), (512, 512), (0, 3)])
    batch.pad(to: 64)
    let key = BatchKey(batch, in: StoreFixtures.context, elementType: "bf16")
    #expect(
      key.text
        == "attention/1 type=bf16 query_heads=32 kv_heads=8 head=128 block=16 padded=64 "
        + "rows=1200,77*3,512/512,0/3")
    let empty = BatchKey(AttentionBatch(), in: StoreFixtures.context, elementType: "bf16")
    #expect(empty.text.hasSuffix("padded=0 rows="))
    let turned = BatchKey(
      AttentionBatch(rows: [(1, 77), (1, 1200)]), in: StoreFixtures.context, elementType: "bf16")
    #expect(turned.text.hasSuffix("rows=77,1200"))
  }

  @Test("what is missing are keys without samples enough, each once and in order")
  func missing() throws {
    let store = try MeasurementStore(path: path)
    let keys = (0..<5).map { StoreFixtures.key($0) }
    try store.append(StoreFixtures.samples(1), to: keys[0], status: .complete)
    try store.append(StoreFixtures.samples(1), to: keys[1], status: .partial)
    try store.append(nil, to: keys[2], status: .failed(reason: "illegal address"))
    let wanted = [keys[4], keys[3], keys[2], keys[1], keys[0], keys[4]]
    #expect(try store.missing(among: wanted) == [keys[4], keys[3], keys[1]])
    #expect(
      try store.missing(among: wanted, retryFailed: true) == [keys[4], keys[3], keys[2], keys[1]])
  }

  @Test("a status only rises, and the same samples are kept once")
  func rising() throws {
    let store = try MeasurementStore(path: path)
    let key = StoreFixtures.key(1)
    let failed = MeasurementStatus.failed(reason: "b")
    for (status, result): (MeasurementStatus, MeasurementStatus) in [
      (failed, failed), (.failed(reason: "c"), failed),
      (.failed(reason: "a"), .failed(reason: "a")), (.partial, .partial), (failed, .partial),
      (.complete, .complete), (.partial, .complete), (failed, .complete),
    ] {
      try store.append(StoreFixtures.samples(1, 2), to: key, status: status)
      #expect(try store.measurement(for: key)?.status == result)
    }
    #expect(try store.counts() == (1, 1))
  }

  @Test("many at once are kept all, or none where one is invalid")
  func allOrNothing() throws {
    let store = try MeasurementStore(path: path)
    let good = Measurement(
      key: StoreFixtures.key(1), sampleSets: [StoreFixtures.samples(1)], status: .complete)
    for (set, words): (SampleSet, String) in [
      (SampleSet(samples: [], date: "2026-11-21T10:25:00Z"), "a set of 0 samples"),
      (StoreFixtures.samples(-1), "a negative time"),
      (SampleSet(samples: [.zero], date: "today"), "the date 'today'"),
      (SampleSet(samples: [.zero], date: "2026-11-21 10:25:00Z"), "the date"),
    ] {
      let bad = Measurement(key: StoreFixtures.key(2), sampleSets: [set], status: .complete)
      let error = try #require(throws: MeasurementStoreError.self) {
        try store.append(contentsOf: [good, bad])
      }
      #expect(error.message.hasPrefix("\(path): invalid measurement (\(words)"), "\(error.message)")
    }
    #expect(try store.counts() == (0, 0))
    try store.append(contentsOf: [good])
    #expect(try store.counts() == (1, 1))
  }

  @Test("an export is sorted by key and names everything")
  func export() throws {
    let store = try MeasurementStore(path: path)
    try store.append(
      StoreFixtures.samples(5, 6), to: StoreFixtures.key(9, cache: .warm), status: .partial)
    try store.append(nil, to: StoreFixtures.key(9), status: .failed(reason: "illegal address"))
    let start =
      #"{"gpu":"NVIDIA Fake 200","sm_count":132,"driver":"580.1","kernel_image":"5eed","#
      + #""variant":"triton-2d","batch":"attention/1 type=bf16 query_heads=32 kv_heads=8 head=128 "#
      + #"block=16 padded=2 rows=9,77","#
    #expect(
      try StoreFixtures.export(store) == start
        + #""cache":"cold","in_graph":true,"status":"failed","reason":"illegal address","#
        + #""sample_sets":[]}"# + "\n" + start
        + #""cache":"warm","in_graph":true,"status":"partial","sample_sets":[{"#
        + #""date":"2026-11-21T10:25:00Z","sm_mhz":1980,"memory_mhz":3201,"throttle":0,"#
        + #""ns":[5,6]}]}"# + "\n")
  }
}
