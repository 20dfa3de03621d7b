internal import CTorch

/// Runs a closure in which tensors of one value and of random numbers have a shape and an element type, but no
/// elements.
///
/// A network that is built in the closure has parameters with names and shapes, but costs neither memory nor time for
/// their elements.
///
/// Arithmetic with such tensors gives more of them. Reading their elements, or mixing them with other tensors, traps.
/// Parameters without elements can be set to other values afterwards, on the processor.
///
/// The mode belongs to the thread; the closure is therefore not asynchronous.
package func withoutElements<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let before = ctorch_outlining()
  ctorch_set_outlining(true)
  defer { ctorch_set_outlining(before) }
  return try body()
}
