import Testing
import Torch

struct DeviceTests {
  @Test func namesAreRead() {
    #expect(Device("cpu") == .cpu)
    #expect(Device("cuda") == .cuda(0))
    #expect(Device("cuda:0") == .cuda(0))
    #expect(Device("cuda:12") == .cuda(12))
    #expect(Device("mps") == .mps)
  }

  @Test(arguments: [
    "", "CPU", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:+1", "cuda:01", "cuda:1.0", "cuda:128", "cuda: 1", "cuda1",
    "cuda:99999999999999999999", "mps:0", " cpu",
  ])
  func otherNamesAreRefused(_ name: String) {
    #expect(Device(name) == nil)
  }

  @Test func descriptionsAreNames() {
    for device in [Device.cpu, .cuda(0), .cuda(7), .mps] { #expect(Device(device.description) == device) }
  }

  @Test func theProcessorIsAlwaysThere() throws {
    try Device.cpu.prepare()
    #expect(Tensor.ones([2]).to(Device.cpu).device == .cpu)
  }

  @Test(arguments: [Device.cuda(127), .cuda(-1), .cuda(256), .cuda(.max)])
  func whatIsMissingIsSaidInOneSentence(_ device: Device) {
    let error = #expect(throws: Device.Unavailable.self) { try device.prepare() }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("device \(device) is not available: "))
    #expect(text.hasSuffix("use device cpu"))
    #expect(!text.contains("\n"))
  }

  @Test func theBestDeviceCanBePrepared() throws {
    let best = Device.best()
    try best.prepare()
    #expect(Tensor.ones([2]).to(best).device == best)
  }
}
