// The pages' Content-Security-Policy forbids style attributes. Perspective sets some with
// setAttribute("style"); the same through the CSSOM is allowed, so that is what it becomes.
const set = Element.prototype.setAttribute;

Element.prototype.setAttribute = function setAttribute(name, value) {
  if (name === "style" && this.style) this.style.cssText = value;
  else set.call(this, name, value);
};
