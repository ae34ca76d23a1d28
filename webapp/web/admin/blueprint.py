"""The administrators' blueprint; the other files of this folder contain its routes."""

from flask import Blueprint

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
