import KernelSelection
import StepTiming
import Testing

@Suite("Kernels' times of batches that were never measured")
struct EstimatedKernelTests {
  private static let context = KernelFitTests.context

  private static func call(_ rows: [(queryLength: Int32, kvLength: Int32)]) -> KernelMeasurement {
    let batch = AttentionBatch(rows: rows)
    let model = Triton2DModel(
      parameters: Triton2DModel.initialParameters, placement: .inTurn(smCount: context.smCount))
    let own = model.microseconds(.triton2D, for: batch, in: context) ?? 0
    // What no model has: up to a fifth more at every thirty-second row.
    let beyond = Double(abs(batch.summary.rows % 32 - 16)) / 16
    return KernelMeasurement(
      batch: batch, context: context, variant: .triton2D, microseconds: own * (1 + 0.2 * beyond))
  }

  private static func decode(_ rows: Int, _ longest: Int32) -> KernelMeasurement {
    call((0..<rows).map { (1, longest - Int32($0 % 7) * 20) })
  }

  /// Growing batches of up to 96 rows, each at several lengths.
  private static let measured = (1...48).flatMap { number in
    (0..<8).map { decode(number * 2, Int32(300 + number * 17 + $0 * 250)) }
  }

  @Test("batches beside measured ones are nearer than the model alone has them")
  func nearer() throws {
    let kernel = try #require(EstimatedKernel(Self.measured))
    let fit = try #require(KernelFit.fit(Self.measured, crossValidates: false))
    let model = Triton2DModel(parameters: fit.parameters, placement: fit.placement)
    var sums = (estimate: 0.0, model: 0.0)
    var count = 0.0
    for rows in stride(from: 3, through: 93, by: 6) {
      let call = Self.decode(rows, 1111)
      let estimate = try #require(kernel.microseconds(for: call.batch, in: Self.context))
      let alone = try #require(
        model.microseconds(.triton2D, for: call.batch, in: Self.context))
      sums.estimate += (estimate / call.microseconds - 1).magnitude
      sums.model += (alone / call.microseconds - 1).magnitude
      count += 1
    }
    #expect(sums.estimate < 0.6 * sums.model, "\(sums) over \(count)")
    #expect(sums.estimate < 0.03 * count, "\(sums) over \(count)")
  }

  @Test("the stated error is that on growing batches kept out, the same each time")
  func heldOut() throws {
    let kernel = try #require(EstimatedKernel(Self.measured))
    let error = try #require(kernel.heldOut[.decode])
    // Whole growing batches: eight lengths each.
    #expect(error.rows % 8 == 0 && error.rows > 0 && error.rows < Self.measured.count)
    #expect(error.median > 0 && error.p90 < 0.1)
    #expect(kernel.heldOut[.prompts] == nil)
    #expect(EstimatedKernel(Self.measured)?.heldOut == kernel.heldOut)
  }

  @Test("few calls are kept out fifth by fifth, so that each is judged once")
  func everyFifth() throws {
    let few = Array(Self.measured.prefix(40))
    let kernel = try #require(EstimatedKernel(few))
    #expect(kernel.heldOut[.decode]?.rows == 40)
  }

  @Test("batches with prompts need measured ones with prompts, and a fit needs enough calls")
  func forms() throws {
    let prompt = Self.call([(700, 700), (1, 90)])
    let kernel = try #require(EstimatedKernel(Self.measured))
    #expect(kernel.microseconds(for: prompt.batch, in: Self.context) == nil)
    let prompts = (1...20).map { Self.call([(Int32($0 * 100), Int32($0 * 100)), (1, 90)]) }
    let both = try #require(EstimatedKernel(Self.measured + prompts))
    let time = try #require(both.microseconds(for: prompt.batch, in: Self.context))
    #expect((time / prompt.microseconds - 1).magnitude < 0.05)
    #expect(EstimatedKernel(Array(Self.measured.prefix(5))) == nil)
  }
}
