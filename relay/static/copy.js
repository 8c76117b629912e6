// A button that copies what stands in .copyable; without JavaScript one click selects it all.
for (const block of document.querySelectorAll(".copyable > pre")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  const { copy = "Copy", copied = "Copied", what } = block.dataset;
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  if (what) button.setAttribute("aria-label", what);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = copied;
    setTimeout(() => { button.textContent = copy; }, 2000);
  });
  block.parentElement.append(button);
}
