// A button that copies what stands in .copyable; without JavaScript one click selects it all.
for (const block of document.querySelectorAll(".copyable > pre")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  const what = block.dataset.what;
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  if (what) button.setAttribute("aria-label", `Copy ${what}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.parentElement.append(button);
}
