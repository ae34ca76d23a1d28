// Makes an element's content equal to new HTML with as few changes as possible, so that focus,
// open details, ticks, typed text and shown secrets survive and nothing jumps. [data-live-keep] is left alone.
// What scripts and people change: open details, and what is hidden until a script can serve it.
const KEPT = new Set(["open", "hidden"]);

function isSame(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id ?? "") === (fresh.id ?? "");
}

function morphAttributes(old, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !KEPT.has(name)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
}

function morphNode(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if ("liveKeep" in old.dataset && "liveKeep" in fresh.dataset) return;
  if ("sent" in old.dataset) return;
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

function find(children, from, fresh) {
  if (!fresh.id) return from && isSame(from, fresh) ? from : null;
  return children.find((child) => child.id === fresh.id && isSame(child, fresh)) ?? null;
}

function morphChildren(old, fresh) {
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const match = find([...old.childNodes], place, wanted);
    if (match && match !== place) old.insertBefore(match, place);
    if (match) {
      place = match.nextSibling;
      morphNode(match, wanted);
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

export function morph(element, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  morphChildren(element, template.content);
}
