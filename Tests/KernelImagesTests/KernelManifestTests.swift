import KernelImages
import KernelManifestSample
import Testing

@Suite("The manifest of compiled kernels")
struct KernelManifestTests {
  private let shape = KernelShape(headSize: 128, ratio: 4, blockSize: 16)

  @Test("a variant's launches come with their images, hashes and grids in order")
  func reads() throws {
    let manifest = try SmallManifest.manifest()
    #expect(manifest.architecture == "sm_90")
    #expect(manifest.variants(for: shape) == ["triton-2d", "triton-3d-16"])
    let program = try manifest.program("triton-3d-16", shape: shape)
    #expect(program.segments == 16)
    #expect(program.queryTokensPerBlock == 4)
    #expect(program.launches.map(\.image.entry) == ["unified_attention", "reduce_segments"])
    #expect(program.launches[1].grid == ["tokens", "query_heads", "one"])
    #expect(program.imageHash == "bbbb+cccc")
    #expect(program.launches[0].image.path == "/kernels/sm_90/b.cubin")
    #expect(program.launches[0].image.signature.suffix(3) == ["i64", "*i8", "*i8"])
  }

  @Test("a variant or shape that was not built is an error that names the call that builds it")
  func missing() throws {
    let manifest = try SmallManifest.manifest()
    let other = KernelShape(headSize: 64, ratio: 8, blockSize: 32)
    do {
      _ = try manifest.program("triton-2d", shape: other)
      Issue.record("found what was not built")
    } catch {
      #expect(
        error.message.contains(
          "reprise kernels build --arch sm_90 --head-size 64 --ratio 8 --block-size 32"))
    }
  }

  @Test("a folder without a build for the architecture says how to make one")
  func notBuilt() {
    #expect(
      throws: KernelImageError.notBuilt(
        path: "/nowhere/sm_80/manifest.json", architecture: "sm_80")
    ) {
      try KernelManifest(directory: "/nowhere", architecture: "sm_80")
    }
  }

  @Test(
    "what no build writes is refused with its place",
    arguments: [
      ("{", ""), ("[]", "format"), (#"{"format": "reprise-kernels/9"}"#, "reprise-kernels/9"),
      (#"{"format": "reprise-kernels/1", "shapes": [{}]}"#, "shapes[0]"),
      (
        #"{"format": "reprise-kernels/1", "shapes": [], "images": [{"key": "a", "arguments": [{"name": 3}]}]}"#,
        "arguments[0]"
      ),
    ])
  func refuses(text: String, place: String) {
    do {
      _ = try KernelManifest(json: Array(text.utf8), path: "m.json")
      Issue.record("read \(text)")
    } catch {
      #expect(error.message.contains(place), "\(error.message)")
      #expect(error.message.contains("m.json"))
    }
  }
}
