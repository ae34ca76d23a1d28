// Updates an element's content to new HTML with as few changes as possible, so that focus, open
// details, ticks, typed text and shown secrets survive and nothing jumps. Skips [data-live-keep].
// KEPT are attributes that people and scripts change: open details, and elements that stay hidden
// until a script shows them.
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
